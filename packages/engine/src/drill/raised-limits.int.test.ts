import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@tidemark/kit";
import { type Lsn, parseLsn } from "@tidemark/postgres";
import type { ServerArea, WalArchive } from "@tidemark/repository";
import { postgresCacheDir } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cloneSessions, endClone } from "../clone/clone-acts.ts";
import { makeClone } from "../clone/make-clone.ts";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import { type ArchivedServer, archivedServer } from "./archived-server.fixture.ts";

const fetch = { program: "tidemark", configPath: "/etc/tidemark/orders.json" };

/** As if its segments had been stored by a version that did not look for limits. */
function withoutLimits(area: ServerArea): ServerArea {
  const older = (archive: WalArchive): WalArchive =>
    new Proxy(archive, {
      get(target, name) {
        if (name !== "describe") {
          const value = Reflect.get(target, name) as unknown;
          return typeof value === "function" ? value.bind(target) : value;
        }
        return async (segment: string) => {
          const found = await target.describe(segment);
          if (found?.facts == null) return found;
          const { limits: _, ...facts } = found.facts;
          return { ...found, facts };
        };
      },
    });
  return new Proxy(area, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (name === "wal") return (systemIdentifier: bigint) => older(target.wal(systemIdentifier));
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** 13 ends where it meets a limit above its own, later ones pause there. */
describe.each([13, 18] as const)("a server of PostgreSQL %i whose limits were raised after the backup", (major) => {
  let rig: EngineRig;
  let archived: ArchivedServer;
  let lsn: Lsn;
  const times = { startTimeoutMs: 30_000, replayTimeoutMs: 30_000 };

  beforeAll(async () => {
    rig = await engineRig();
    archived = await archivedServer(rig, major);
    const { server } = archived;
    await server.query("CREATE TABLE ledger (id int PRIMARY KEY)");
    await rig.backup(server.dsn());
    for (const [id, connections] of [150, 210].entries()) {
      await server.query(`ALTER SYSTEM SET max_connections = ${connections}`);
      await server.restart();
      await server.query("INSERT INTO ledger VALUES ($1)", [id]);
    }
    const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
    lsn = parseLsn(row?.lsn ?? "");
    await archived.archive();
  });
  afterAll(async () => {
    await archived?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  it.each([["told by the segments"], ["read from the WAL, where they do not tell"]] as const)(
    "is restored with limits that its recovery will meet, WAL to be fetched: %s",
    async (how) => {
      const recovery = { timeline: "latest", action: "promote", asStandby: false, wal: "fetch", fetch } as const;
      const targetDirectory = rig.dir.join(how.slice(0, 4));
      const plan = await rig.plan({ targetDirectory, recovery: { ...recovery, target: { kind: "latest" } } });
      const logged: string[] = [];
      const area = how.startsWith("told") ? rig.area : withoutLimits(rig.area);
      const emit = (event: { readonly kind: string; readonly message?: string }) =>
        void logged.push(event.message ?? "");
      await executeRestore({ area, clock: systemClock }, plan, { ...rig.control(), emit });
      const settings = await readFile(join(targetDirectory, "postgresql.auto.conf"), "utf8");
      expect(settings).toMatch(/^max_connections = '?210'?$/m);
      expect(logged.some((line) => /^reading \d+ WAL segments for limits/.test(line))).toBe(!how.startsWith("told"));
    },
  );

  it("is drilled to the end of its WAL", async () => {
    const report = await rig.drill({ timeline: "latest", replayTimeoutMs: 30_000 });
    expect(report).toMatchObject({ outcome: "proven", reason: null });
  });

  it.each([["latest"], ["lsn"]] as const)("is cloned to where it was asked for: %s", async (kind) => {
    const deps = {
      ...{ area: rig.area, clock: systemClock, cloneDir: rig.dir.join("clones") },
      postgresCacheDir: postgresCacheDir(),
    };
    const target = kind === "latest" ? { kind } : { kind, lsn, inclusive: false };
    const cloneId = `cln_${kind}`;
    const clone = await makeClone(
      deps,
      { cloneId, backupId: null, target, timeline: "latest", action: "pause", maxBytes: null, ...times },
      rig.control(),
    );
    const session = await (await cloneSessions(clone.root, clone.user, new AbortController().signal))("postgres");
    expect(await session.query("SELECT count(*)::text AS rows FROM public.ledger", [], 10_000)).toEqual([
      { rows: "2" },
    ]);
    await session.close();
    await endClone(deps.cloneDir, cloneId);
  });
});
