import { readdir, rm, truncate, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { ReplicationSession, SqlSession } from "@tidemark/postgres";
import type { StoredBackup } from "@tidemark/repository";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig, filesFrom, streamFrom } from "../engine-rig.ts";
import type { BackupSource } from "./backup-source.ts";

describe("what stands in the way of an increment", () => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ major: 18, settings: { autovacuum: false, summarize_wal: true } });
    await server.query("CREATE TABLE filler AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 5000) g");
    await rig.backup(server.dsn());
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const from = (changes: Partial<BackupSource & { readonly kind: "stream" }>) =>
    rig.backupFrom({ ...streamFrom(server.dsn()), ...changes });
  const summaries = () => join(server.dataDir, "pg_wal", "summaries");
  const expectIncrement = async () => {
    const backup = await rig.backup(server.dsn());
    expect(backup.facts?.reading).toMatchObject({ kind: "incremental" });
  };

  it("is a wish for everything, which is no reason worth keeping", async () => {
    const backup = await rig.backup(server.dsn(), { reading: "full" });
    expect(backup.facts?.reading).toEqual({ kind: "full", reason: null });
    expect(said(rig)).toContain("everything is read: it was asked for");
  });

  it("is a missing SQL session, without which nobody knows what was cut", async () => {
    expectReason(await from({ connectSql: undefined }), /^without an SQL session nobody can tell which relations/);
  });

  it("is an SQL session that goes elsewhere", async () => {
    await using other = await testServer({ major: 18 });
    const connectSql = streamFrom(other.dsn()).connectSql;
    expectReason(await from({ connectSql }), /^SQL went to 127\.0\.0\.1:\d+, the copy comes from/);
  });

  it("is an SQL session that cannot be had", async () => {
    const connectSql = streamFrom(server.dsn({ password: "wrong" })).connectSql;
    expectReason(await from({ connectSql }), /^no increment could be planned: .*password/);
  });

  it("is reading file by file, and such a backup can be built on all the same", async () => {
    const files = await rig.backupFrom(filesFrom(server.dsn()));
    expectReason(files, /^the files are read one by one/);
    expect(files.facts?.walRanges).toEqual([
      { timeline: 1, startLsn: files.facts?.startLsn, endLsn: files.facts?.stopLsn },
    ]);
    await expectIncrement();
  });

  it("is a server that refuses the manifest; then everything is read in a new session", async () => {
    const sentence = await refusalOf((session) => async () => {
      // A manifest of version 1 is what the server refuses in its own words.
      await session.uploadManifest(pieces('{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [],\n'));
    });
    expect(sentence).toContain("backup manifest version 1 does not support incremental backup");
  });

  it("is a server that refuses the copy, after the upload", async () => {
    expect(await refusalOf(() => async () => undefined)).toContain("must UPLOAD_MANIFEST before");
  });

  it("is a relation cut and changed behind the cut when it is too late to ask for it in full", async () => {
    const rows = "SELECT g AS id, repeat(md5(g::text), 34) AS body FROM generate_series(1, 1400) g";
    await server.query(`CREATE TABLE cut AS ${rows}`);
    await server.query("VACUUM FREEZE cut");
    await rig.backup(server.dsn());
    const onStep = async (step: string) => {
      if (step !== "backup:before-stream" || said(rig).includes("was cut and changed")) return;
      await server.query("DELETE FROM cut WHERE id > 700");
      await server.query("VACUUM cut");
      await server.query("CHECKPOINT");
      await server.query("INSERT INTO cut SELECT g, repeat('x', 500) FROM generate_series(5001, 5300) g");
    };
    const backup = await rig.backupFrom(streamFrom(server.dsn()), {}, rig.control({ onStep }));
    expectReason(backup, /^base\/5\/\d+ was cut and changed behind the cut just now/);
    await expectIncrement();
  });

  // The server waits a minute before it says so (walsummarizer.c, WaitForWalSummarization), and so would every run of the tests.
  it.runIf(process.env.TIDEMARK_SLOW_TESTS === "1")(
    "is a summarizer that is stuck",
    async () => {
      await changeAndSummarize(server);
      const [row] = await server.query<{ pid: number }>(
        "SELECT summarizer_pid AS pid FROM pg_get_wal_summarizer_state()",
      );
      process.kill(row?.pid ?? 0, "SIGSTOP");
      try {
        expectReason(await rig.backup(server.dsn()), /WAL summarization is not progressing/);
      } finally {
        process.kill(row?.pid ?? 0, "SIGCONT");
      }
      await expectIncrement();
    },
    180_000,
  );

  it("is a summary that goes away between the server's look and ours", async () => {
    await server.query("CHECKPOINT");
    let asked = 0;
    const connectSql = async (signal: AbortSignal): Promise<SqlSession> => {
      // The second session asks for the limits: the copy has been announced by then.
      if (++asked === 2) for (const name of await readdir(summaries())) await rm(join(summaries(), name));
      return await (streamFrom(server.dsn()).connectSql as NonNullable<typeof connectSql>)(signal);
    };
    expectReason(await from({ connectSql }), /^the server has no WAL summaries of timeline 1 from .* on/);
    await expectIncrement();
  });

  it("is a summary that cannot be read", async () => {
    await changeAndSummarize(server);
    for (const name of await readdir(summaries())) await truncate(join(summaries(), name), 10);
    expectReason(await rig.backup(server.dsn()), /WAL summar|file ".*summary"|could not read/i);
    await expectIncrement();
  });

  it("is a summary the server removed for its age", async () => {
    await changeAndSummarize(server);
    await server.query("ALTER SYSTEM SET wal_summary_keep_time = '1min'");
    await server.query("SELECT pg_reload_conf()");
    const long = new Date(Date.now() - 3_600_000);
    for (const name of await readdir(summaries())) await utimes(join(summaries(), name), long, long);
    // The summarizer removes what is old and whose WAL is gone when it comes by.
    const round = async () => {
      await changeAndSummarize(server);
      for (const name of await readdir(summaries())) await utimes(join(summaries(), name), long, long);
    };
    for (let turn = 0; turn < 3; turn++) await round();
    const oldest = rig.area.listBackups().then((all) => all.at(-1)?.facts?.startLsn ?? 0n);
    const isGone = async () => {
      const [row] = await server.query<{ kept: boolean }>(
        "SELECT bool_or(start_lsn <= $1::pg_lsn) AS kept FROM pg_available_wal_summaries()",
        [lsnText(await oldest)],
      );
      return row?.kept !== true;
    };
    await waitFor(isGone, { what: "the removal of old summaries", timeoutMs: 30_000 });
    expectReason(await rig.backup(server.dsn()), /^the server has no WAL summaries of timeline 1 from .* on/);
    await server.query("ALTER SYSTEM RESET wal_summary_keep_time");
    await server.query("SELECT pg_reload_conf()");
    await expectIncrement();
  });

  it("is summarize_wal = off", async () => {
    await server.query("ALTER SYSTEM SET summarize_wal = off");
    await server.query("SELECT pg_reload_conf()");
    const isOff = async () => (await server.query("SHOW summarize_wal"))[0]?.summarize_wal === "off";
    await waitFor(isOff, { what: "the reload" });
    const backup = await rig.backup(server.dsn());
    expectReason(backup, /^the server does not summarize its WAL/);
    expect(backup.counts?.referencedBytes ?? 0n).toBeGreaterThan(10_000_000n);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
  });

  /** Takes a backup whose upload is replaced, and gives the reason why it is a full one. */
  async function refusalOf(uploadOf: (session: ReplicationSession) => () => Promise<void>): Promise<string> {
    let sessions = 0;
    const connect = async (signal: AbortSignal): Promise<ReplicationSession> => {
      const session = await streamFrom(server.dsn()).connect(signal);
      if (++sessions > 1) return session;
      const upload = uploadOf(session);
      return new Proxy(session, {
        get: (target, name) => {
          if (name === "uploadManifest") return upload;
          const value: unknown = Reflect.get(target, name, target);
          return typeof value === "function" ? value.bind(target) : value;
        },
      });
    };
    const backup = await from({ connect });
    expect(sessions).toBe(2);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
    return expectReason(backup, /./);
  }
});

function expectReason(backup: StoredBackup, reason: RegExp): string {
  expect(backup.facts?.reading).toEqual({ kind: "full", reason: expect.stringMatching(reason) });
  return backup.facts?.reading?.kind === "full" ? (backup.facts.reading.reason ?? "") : "";
}

function said(rig: EngineRig): string {
  return rig.events.flatMap((event) => (event.kind === "log" ? [event.message] : [])).join("\n");
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Ends a summary and lets the WAL before it go. */
async function changeAndSummarize(server: TestServer): Promise<void> {
  await server.query("UPDATE filler SET body = body || 'x' WHERE id % 100 = 1");
  await server.query("SELECT pg_switch_wal()");
  await server.query("CHECKPOINT");
  const [row] = await server.query<{ lsn: string }>("SELECT redo_lsn::text AS lsn FROM pg_control_checkpoint()");
  const isSummarized = async () => {
    const [state] = await server.query<{ yes: boolean }>(
      "SELECT summarized_lsn >= $1::pg_lsn AS yes FROM pg_get_wal_summarizer_state()",
      [row?.lsn],
    );
    return state?.yes === true;
  };
  await waitFor(isSummarized, { what: "the summarizer", timeoutMs: 30_000 });
}

function lsnText(lsn: bigint): string {
  return `${(lsn >> 32n).toString(16)}/${(lsn & 0xffffffffn).toString(16)}`;
}
