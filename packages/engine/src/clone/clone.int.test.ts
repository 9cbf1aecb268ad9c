import { readdir } from "node:fs/promises";
import { Secret, systemClock } from "@tidemark/kit";
import { findPostmaster } from "@tidemark/local-postgres";
import { parseLsn } from "@tidemark/postgres";
import { majors, postgresCacheDir } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ArchivedServer, archivedServer } from "../drill/archived-server.fixture.ts";
import type { TrialTarget } from "../drill/plan-drill.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { cloneSessions, endClone, haltClone, locateClone, moveClone, promoteClone, resumeClone } from "./clone-acts.ts";
import { type CloneGate, openGate } from "./clone-gate.ts";
import { requireCloneRecord, writeCloneRecord } from "./clone-record.ts";
import { extractTable } from "./extract-table.ts";
import { type CloneDeps, type CloneStanding, makeClone } from "./make-clone.ts";

const chosen = process.env.TIDEMARK_ALL_MAJORS === undefined ? ([13, 18] as const) : majors;
const times = { startTimeoutMs: 60_000, replayTimeoutMs: 60_000 };
const password = new Secret("open-sesame");

describe.each(chosen)("a clone of PostgreSQL %i", (major) => {
  let rig: EngineRig;
  let archived: ArchivedServer;
  let deps: CloneDeps;
  let clone: CloneStanding;
  let gate: CloneGate;
  const lsns: bigint[] = [];
  const instants: Date[] = [];

  beforeAll(async () => {
    rig = await engineRig();
    archived = await archivedServer(rig, major);
    deps = {
      area: rig.area,
      clock: systemClock,
      cloneDir: rig.dir.join("clones"),
      postgresCacheDir: postgresCacheDir(),
    };
    const { server } = archived;
    await server.query("CREATE TABLE ledger (id serial PRIMARY KEY, note text NOT NULL DEFAULT '', at date)");
    await rig.backup(server.dsn());
    for (const note of ["plain", 'odd "quoted", \\ and\ttabs\nlines', "", "last"]) {
      await server.query("INSERT INTO ledger (note, at) VALUES ($1, $2)", [note, note === "" ? null : "2026-01-02"]);
      const [row] = await server.query<{ lsn: string; at: Date }>(
        "SELECT pg_current_wal_insert_lsn()::text AS lsn, clock_timestamp() AS at",
      );
      lsns.push(parseLsn(row?.lsn ?? ""));
      instants.push(row?.at ?? new Date(0));
      await archived.archive();
    }
  });
  afterAll(async () => {
    await gate?.close();
    if (deps !== undefined) for (const id of ["cln_a", "cln_d", "cln_e"]) await endClone(deps.cloneDir, id);
    await archived?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const make = (target: TrialTarget | null, action: "pause" | "promote", cloneId = "cln_a") =>
    makeClone(
      deps,
      { cloneId, backupId: null, target, timeline: "latest", action, maxBytes: null, ...times },
      rig.control(),
    );
  const ask = async (sql: string, secret = password.reveal()) => {
    const client = new pg.Client({
      host: gate.host,
      port: gate.port,
      user: "postgres",
      database: "postgres",
      password: secret,
    });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(sql)).rows;
    } finally {
      await client.end();
    }
  };
  const count = async () => (await ask("SELECT count(*)::int AS count FROM ledger"))[0]?.count;

  it("stands read-only at its target behind a password of its own, moves on, never back, and is promoted", async () => {
    const [, second = new Date(0)] = instants;
    clone = await make({ kind: "time", at: second, inclusive: true }, "pause");
    expect(clone.reached.at?.getTime()).toBeLessThanOrEqual(second.getTime());
    gate = await openGate({ host: "127.0.0.1", port: null, password, locate: locateClone(clone.root) });
    expect(await count()).toBe(2);
    await expect(ask("SELECT 1", "another")).rejects.toMatchObject({ code: "28P01" });
    await expect(ask("INSERT INTO ledger (note) VALUES ('x')")).rejects.toThrow(/read-only/);

    const move = (target: Parameters<typeof moveClone>[1]["target"]) =>
      moveClone(deps, { cloneId: "cln_a", target, timeline: "current", ...times }, rig.control());
    clone = await move({ kind: "lsn", lsn: lsns[2] ?? 0n, inclusive: false });
    expect(await count()).toBe(3);
    await expect(move({ kind: "time", at: second, inclusive: true })).rejects.toMatchObject({ code: "bad-request" });
    await expect(move({ kind: "lsn", lsn: 0xffff_0000_0000n, inclusive: false })).rejects.toMatchObject({
      code: "target-unreachable",
    });
    expect(await count()).toBe(3);

    // Its server is killed: it comes back where it was, without the archive.
    process.kill(clone.pid, "SIGKILL");
    clone = await resumeClone(deps, "cln_a", times, rig.control());
    expect(await count()).toBe(3);

    clone = await move({ kind: "latest" });
    expect(await count()).toBe(4);
    await expect(ask("INSERT INTO ledger (note) VALUES ('x')")).rejects.toThrow(/read-only/);
    clone = await promoteClone(deps, { cloneId: "cln_a", ...times }, rig.control());
    await ask("INSERT INTO ledger (note) VALUES ('x')");
    expect(await count()).toBe(5);
    await expect(move({ kind: "latest" })).rejects.toMatchObject({ code: "bad-request" });

    await endClone(deps.cloneDir, "cln_a");
    expect(await findPostmaster(`${clone.root}/data`).catch(() => null)).toBeNull();
    expect(await readdir(deps.cloneDir).catch(() => [])).toEqual([]);
    await expect(ask("SELECT 1")).rejects.toMatchObject({ code: "57P03" });
    await gate.close();
  });

  it.runIf(major === 18)("hands out a table as CSV and as SQL that makes it anew", async () => {
    const { server } = archived;
    clone = await make(null, "pause", "cln_b");
    const openSession = await cloneSessions(clone.root, clone.user, new AbortController().signal);
    const extract = async (format: "csv" | "sql") => {
      let text = "";
      const request = { database: "postgres", schema: "public", table: "ledger", format };
      const write = async (piece: string) => {
        text += piece;
      };
      const { rows } = await extractTable(openSession, request, write, new AbortController().signal);
      expect(rows).toBe(4);
      return text;
    };
    expect(await extract("csv")).toBe(
      'id,note,at\n1,plain,2026-01-02\n2,"odd ""quoted"", \\ and\ttabs\nlines",2026-01-02\n3,"",\n4,last,2026-01-02\n',
    );
    const sql = await extract("sql");
    const [before = "", rest = ""] = sql.split(/^COPY .*\n/m);
    const [lines = "", after = ""] = rest.split("\\.\n");
    await server.query("CREATE DATABASE again");
    await server.query(before, [], { database: "again" }).catch(async () => {
      for (const one of before.split(";\n")) if (one.trim() !== "") await server.query(one, [], { database: "again" });
    });
    expect(lines.split("\n")[1]).toBe('2\todd "quoted", \\\\ and\\ttabs\\nlines\t2026-01-02');
    expect(lines.split("\n")[2]).toBe("3\t\t\\N");
    for (const one of after.split(";\n")) if (one.trim() !== "") await server.query(one, [], { database: "again" });
    expect(
      await server.query("SELECT 1 FROM pg_indexes WHERE indexname = 'ledger_pkey'", [], { database: "again" }),
    ).toHaveLength(1);
    await expect(
      extractTable(
        openSession,
        { database: "postgres", schema: "public", table: "no", format: "csv" },
        async () => undefined,
        new AbortController().signal,
      ),
    ).rejects.toMatchObject({ code: "not-found" });
    await endClone(deps.cloneDir, "cln_b");
  });

  it("goes on where it is when its worker died amid a move, and knows that it was promoted when nobody wrote it down", async () => {
    const [, second = new Date(0)] = instants;
    clone = await make({ kind: "time", at: second, inclusive: true }, "pause", "cln_d");
    const { root } = clone;
    const before = await requireCloneRecord(root);
    const target = { kind: "lsn", lsn: lsns[2] ?? 0n, inclusive: false } as const;
    await moveClone(deps, { cloneId: "cln_d", target, timeline: "current", ...times }, rig.control());
    const rows = async () => {
      const session = await (await cloneSessions(root, "postgres", new AbortController().signal))("postgres");
      try {
        return (await session.query("SELECT count(*)::text AS answer FROM public.ledger", [], 10_000))[0]?.answer;
      } finally {
        await session.close();
      }
    };
    expect(await rows()).toBe("3");
    // As a worker leaves it that died before it wrote down how far it was moved.
    await haltClone(deps, "cln_d", rig.control());
    await writeCloneRecord(root, before);
    clone = await resumeClone(deps, "cln_d", times, rig.control());
    expect(await rows()).toBe("3");
    expect(clone.record.recovery?.sentence).toContain("a move was cut off");
    await moveClone(
      deps,
      { cloneId: "cln_d", target: { kind: "latest" }, timeline: "current", ...times },
      rig.control(),
    );
    expect(await rows()).toBe("4");

    const paused = await requireCloneRecord(root);
    await promoteClone(deps, { cloneId: "cln_d", ...times }, rig.control());
    await writeCloneRecord(root, paused);
    clone = await promoteClone(deps, { cloneId: "cln_d", ...times }, rig.control());
    expect(clone.record.promoted).toBe(true);
    await writeCloneRecord(root, paused);
    process.kill(clone.pid, "SIGKILL");
    clone = await resumeClone(deps, "cln_d", times, rig.control());
    expect(clone.record.promoted).toBe(true);
    expect(await rows()).toBe("4");
    await endClone(deps.cloneDir, "cln_d");
  });

  it("is promoted where it stands at its target, though nobody hands it WAL any more", async () => {
    const [, second = new Date(0)] = instants;
    clone = await make({ kind: "time", at: second, inclusive: true }, "pause", "cln_e");
    const { pid } = clone;
    clone = await promoteClone(deps, { cloneId: "cln_e", ...times }, rig.control());
    expect(clone.record.promoted).toBe(true);
    expect(clone.pid).toBe(pid);
    const session = await (await cloneSessions(clone.root, "postgres", new AbortController().signal))("postgres");
    try {
      const sql =
        "INSERT INTO public.ledger (note) VALUES ('x') RETURNING (SELECT count(*) FROM public.ledger)::text AS answer";
      expect((await session.query(sql, [], 10_000))[0]?.answer).toBe("2");
    } finally {
      await session.close();
    }
    expect(await readdir(clone.root)).not.toContain("spool");
    await endClone(deps.cloneDir, "cln_e");
  });

  it.runIf(major === 18)("leaves nothing behind when it cannot be made", async () => {
    await expect(
      make({ kind: "time", at: new Date("2100-01-01T00:00:00Z"), inclusive: true }, "pause", "cln_c"),
    ).rejects.toMatchObject({
      code: "target-unreachable",
    });
    const small = { cloneId: "cln_c", backupId: null, target: null, timeline: "latest", action: "promote" } as const;
    await expect(makeClone(deps, { ...small, maxBytes: 1000n, ...times }, rig.control())).rejects.toMatchObject({
      code: "drill-not-possible",
    });
    expect(await readdir(deps.cloneDir).catch(() => [])).toEqual([]);
  });
});
