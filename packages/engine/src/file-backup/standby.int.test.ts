import { readdir } from "node:fs/promises";
import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import { parseDsn, SqlSession } from "@tidemark/postgres";
import { standbyOf, startWriterLedger, type TestServer, testServer, waitFor } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackupSource } from "../backup/backup-source.ts";
import { type EngineRig, engineRig, filesFrom, streamFrom } from "../engine-rig.ts";

type Way = "stream" | "read-files" | "local-files";

// The oldest and the newest: the functions that notice a promotion have other names on each.
describe.each([13, 18] as const)("backups from a standby of PostgreSQL %i", (major) => {
  let rig: EngineRig;
  let primary: TestServer;
  let standby: TestServer;
  beforeAll(async () => {
    rig = await engineRig();
    primary = await testServer({ major, settings: { autovacuum: false } });
    await primary.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 20000) g",
    );
    await primary.query(
      "CREATE TABLE ballast AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 80000) g",
    );
    standby = await standbyOf(primary);
  });
  afterAll(async () => {
    await standby?.[Symbol.asyncDispose]();
    await primary?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const ways: readonly Way[] = major === 18 ? ["stream", "read-files", "local-files"] : ["stream", "read-files"];
  it.each(ways)("(%s) hold what was replayed, and start without their primary", async (way) => {
    const table = `ledger_${way.replaceAll("-", "_")}`;
    await using ledger = await startWriterLedger(primary.dsn(), { table });
    await ledger.advance(20);
    await makeRestartpoint(primary, standby);
    const switched = countingConnect(primary);
    const onStep = async (step: string) => {
      if (step === "backup:before-middle-file") await ledger.advance(10);
      // As long as the backup has not come to its end, the primary is asked to switch.
      if (step === "backup:before-wal" && major === 18) {
        await waitFor(() => switched.opened() > 0, { what: "the switch on the primary" });
      }
    };
    const source = { ...sourceOf(way, standby), connectPrimary: switched.connect };
    const backup = await rig.backupFrom(source, {}, rig.control({ onStep }));
    await ledger.stop();
    expect(backup.facts).toMatchObject({ fromStandby: true, method: way, suspectPages: [] });
    expect(backup.facts?.backupLabel).toContain("BACKUP FROM: standby\n");
    expect(backup.facts?.notes).toEqual([expect.stringContaining("standby.signal")]);
    expect(switched.open()).toBe(0);
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true });
    const target = rig.dir.join(`restored-${way}`);
    await rig.restore(await rig.plan({ backupId: backup.backupId, targetDirectory: target, owner: owner() }));
    expect(await readdir(target)).not.toContain("standby.signal");
    await withRestored(target, primary, async (client) => {
      const comparison = await ledger.compare(client, backup.facts?.stopLsn ?? 0n);
      // The segment in which a standby stops goes on: rows after the stop may have come along, none may be missing.
      expect(comparison).toMatchObject({ lost: [], holes: [], changed: [] });
      expect(comparison.restoredRows).toBeGreaterThanOrEqual(20);
      expect((await client.query("SELECT count(*)::int AS rows FROM filler")).rows).toEqual([{ rows: 20000 }]);
      expect((await client.query("SELECT pg_is_in_recovery() AS yes")).rows).toEqual([{ yes: false }]);
    });
  });

  it("bring standby.signal back only when asked to", async () => {
    const target = rig.dir.join("restored-as-standby");
    await rig.restore(await rig.plan({ targetDirectory: target, owner: owner(), keepSignalFiles: true }));
    expect(await readdir(target)).toContain("standby.signal");
  });

  it.each(["stream", "read-files"] as const)("(%s) are refused when it is promoted meanwhile", async (way) => {
    await using promoted = await standbyOf(primary);
    await makeRestartpoint(primary, promoted);
    const before = (await rig.area.listBackups()).map(({ backupId }) => backupId);
    // A server that streams looks for it with each file, and is ahead of us by what lies in the sockets: some 10 MiB of 50.
    const during = way === "stream" ? "backup:before-first-file" : "backup:before-middle-file";
    const onStep = async (step: string) => {
      if (step === during) await promoted.query("SELECT pg_promote(true, 60)");
    };
    await expect(rig.backupFrom(sourceOf(way, promoted), {}, rig.control({ onStep }))).rejects.toMatchObject({
      code: "standby-promoted",
    });
    expect((await rig.area.listBackups()).map(({ backupId }) => backupId)).toEqual(before);
    expect(await promoted.query("SELECT 1 FROM pg_replication_slots")).toEqual([]);
  });

  it("are not taken from another server's folder", async () => {
    const source = filesFrom(standby.dsn(), { dataDirectory: primary.dataDir });
    await expect(rig.backupFrom(source)).rejects.toMatchObject({ code: "cluster-missing" });
  });
});

function sourceOf(way: Way, server: TestServer): BackupSource {
  if (way === "stream") return streamFrom(server.dsn());
  return filesFrom(server.dsn(), way === "local-files" ? { dataDirectory: server.dataDir } : {});
}

/** A standby's backup starts at its last restartpoint, which needs a checkpoint that was replayed. */
async function makeRestartpoint(primary: TestServer, standby: TestServer): Promise<void> {
  await primary.query("CHECKPOINT");
  const [row] = await primary.query<{ lsn: string }>("SELECT pg_current_wal_lsn()::text AS lsn");
  await waitFor(
    async () => {
      const [at] = await standby.query<{ ok: boolean }>("SELECT pg_last_wal_replay_lsn() >= $1::pg_lsn AS ok", [
        row?.lsn,
      ]);
      return at?.ok === true;
    },
    { what: "the standby to replay the checkpoint" },
  );
  await standby.query("CHECKPOINT");
}

/** Sessions on the primary, and how many of them are still open. */
function countingConnect(primary: TestServer) {
  const sessions: SqlSession[] = [];
  return {
    connect: async (signal: AbortSignal) => {
      const session = await SqlSession.connect(parseDsn(primary.dsn()), { signal });
      sessions.push(session);
      return session;
    },
    opened: () => sessions.length,
    open: () => sessions.filter((session) => !session.opened.socket.destroyed).length,
  };
}

async function withRestored(
  dataDir: string,
  like: TestServer,
  work: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const password = new Secret(like.password);
  const { installation } = like.cluster;
  await using cluster = await startCluster({ installation, dataDir, superuser: like.superuser, password });
  const client = new pg.Client(cluster.dsn());
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

function owner(): string | null {
  return process.getuid?.() === 0 ? "postgres" : null;
}
