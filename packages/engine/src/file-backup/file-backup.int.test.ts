import { mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Secret } from "@tidemark/kit";
import { findServerUser, giveTree, startCluster } from "@tidemark/local-postgres";
import { roleScript } from "@tidemark/postgres";
import type { BackupFacts } from "@tidemark/repository";
import {
  type Major,
  majors,
  startWriterLedger,
  type TestServer,
  testServer,
  type WriterLedger,
} from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BackupSource } from "../backup/backup-source.ts";
import { type EngineRig, engineRig, filesFrom } from "../engine-rig.ts";

describe.each([...majors])("PostgreSQL %i, file by file", (major) => {
  let rig: EngineRig;
  let server: TestServer;
  beforeAll(async () => {
    rig = await engineRig();
    server = await testServer({ major, tablespaces: ["fast"], checksums: true, settings: { autovacuum: false } });
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 10000) g",
    );
    await server.query("CREATE INDEX filler_body ON filler (body)");
    // The smallest role for it, by the script that is shown to people.
    await server.query(roleScript({ major, role: "keeper", purpose: "operate", database: "postgres" }));
    await server.query("ALTER ROLE keeper PASSWORD 'kept'");
    await server.query("CREATE UNLOGGED TABLE fleeting AS SELECT g AS id FROM generate_series(1, 1000) g");
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  // The oldest and the newest also from the file system they share with us.
  const ways = major === 13 || major === 18 ? (["read-files", "local-files"] as const) : (["read-files"] as const);
  it.each(ways)("backs up (%s) under load, restores, starts, and has exactly the rows of the stop", async (way) => {
    const place = way === "read-files" ? { readers: 4 } : { dataDirectory: server.dataDir };
    const table = `ledger_${way.slice(0, 4)}`;
    await using ledger = await startWriterLedger(server.dsn(), { tablespace: "fast", table });
    await ledger.advance(50);
    const dsn = server.dsn({ user: "keeper", password: "kept" });
    const backup = await copyDuringWrites(rig, filesFrom(dsn, place), ledger);
    await ledger.stop();
    expect(backup.facts).toMatchObject({ method: way, fromStandby: false, suspectPages: [], notes: [] });
    expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true, problems: [], suspectPageCount: 0 });
    await restoreAndCompare(rig, server, backup.backupId, async (client) => {
      const comparison = await ledger.compare(client, backup.facts?.stopLsn ?? 0n);
      expect(comparison.verdict).toBe("whole");
      expect(comparison.restoredRows).toBeGreaterThanOrEqual(50);
      await checkContents(client, major);
    });
  });

  it("holds the same paths as what BASE_BACKUP sends, whatever lies in the data directory", async () => {
    const session = await server.client();
    await session.query("CREATE TEMP TABLE session_only AS SELECT g AS id FROM generate_series(1, 1000) g");
    await layStrangeFiles(server.dataDir);
    // BASE_BACKUP passes them over up to 15; read file by file they come along.
    if (major >= 16) {
      await session.query("SET allow_in_place_tablespaces = on");
      await session.query("CREATE TABLESPACE in_place LOCATION ''");
      await session.query("CREATE TABLE in_place TABLESPACE in_place AS SELECT 1 AS id");
    }
    const streamed = await rig.backup(server.dsn());
    const overSql = await rig.backupFrom(filesFrom(server.dsn()));
    const local = await rig.backupFrom(filesFrom(server.dsn(), { dataDirectory: server.dataDir }));
    await session.end();
    const expected = await pathsOf(rig, streamed.backupId);
    expect(expected).toContain("file 600 log/kept.log");
    expect(expected.filter((path) => path.includes("left-out"))).toEqual([]);
    expect(await pathsOf(rig, overSql.backupId)).toEqual(expected);
    expect(await pathsOf(rig, local.backupId)).toEqual(expected);
    // The server lists them as its file system does.
    const byOid = (facts: BackupFacts | null) => [...(facts?.tablespaces ?? [])].sort((one, two) => one.oid - two.oid);
    expect(byOid(overSql.facts)).toEqual(byOid(streamed.facts));
    expect(overSql.facts?.tablespaceMap).toEqual(streamed.facts?.tablespaceMap);
    expect(overSql.facts?.catalogVersion).toBe(streamed.facts?.catalogVersion);
    expect(overSql.facts?.dataDirectoryMode).toBe(streamed.facts?.dataDirectoryMode);
  });
});

/** Everything of a backup as `kind mode path`, sorted; WAL segments without their numbers, which go on. */
async function pathsOf(rig: EngineRig, backupId: string): Promise<readonly string[]> {
  const manifest = await rig.area.openManifest(backupId);
  const found = new Set<string>();
  for await (const entry of manifest.entries()) {
    const path = Buffer.from(entry.path).toString("utf8");
    const mode = entry.kind === "symlink" ? "" : entry.mode.toString(8);
    found.add(`${entry.kind} ${mode} ${path.replace(/^(pg_wal\/.*)[0-9A-F]{24}/, "$1SEGMENT")}`);
  }
  return [...found].sort();
}

/** One of each kind that the rules know, and some they do not. */
async function layStrangeFiles(dataDir: string): Promise<void> {
  const database = (await readdir(join(dataDir, "base"))).filter((name) => /^\d+$/.test(name)).sort()[0] ?? "1";
  const files = [
    "postgresql.auto.conf.tmp",
    "current_logfiles.tmp",
    "backup_manifest",
    `base/${database}/pg_internal.init.left-out`,
    `base/${database}/t99_99999`,
    `base/${database}/t99_99999_fsm.1`,
    "base/pgsql_tmp/pgsql_tmp99.0",
    "pg_stat_tmp/left-out",
    "pg_notify/left-out",
    "pg_replslot/left-out/state",
    "pg_wal/left-out",
    "log/kept.log",
    "log/pg_subtrans/left-out",
    "log/t99_99999",
    "empty/of/files/.keep",
  ];
  for (const file of files) {
    await mkdir(dirname(join(dataDir, file)), { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, file), "strange", { mode: 0o600 });
  }
  await giveTree(dataDir, await findServerUser());
}

async function copyDuringWrites(rig: EngineRig, source: BackupSource, ledger: WriterLedger) {
  const onStep = async (step: string) => {
    if (step === "backup:before-middle-file" || step === "backup:before-control") await ledger.advance(10);
  };
  return await rig.backupFrom(source, {}, rig.control({ onStep }));
}

async function restoreAndCompare(
  rig: EngineRig,
  server: TestServer,
  backupId: string,
  compare: (client: pg.Client) => Promise<void>,
): Promise<void> {
  const target = rig.dir.join(`restored-${backupId}`);
  const from = server.dir.join("tablespace-fast");
  const plan = await rig.plan({
    backupId,
    targetDirectory: target,
    owner: process.getuid?.() === 0 ? "postgres" : null,
    tablespaces: [{ from, to: `${target}-fast` }],
  });
  expect(plan.checks.filter((check) => check.state !== "ok")).toEqual([]);
  await rig.restore(plan);
  const password = new Secret(server.password);
  const { installation } = server.cluster;
  await using cluster = await startCluster({ installation, dataDir: target, superuser: server.superuser, password });
  const client = new pg.Client(cluster.dsn());
  await client.connect();
  try {
    await compare(client);
  } finally {
    await client.end();
  }
}

async function checkContents(client: pg.Client, major: Major): Promise<void> {
  await client.query("CREATE EXTENSION amcheck");
  await client.query(
    `SELECT bt_index_check(index => i.indexrelid, heapallindexed => true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'btree' AND c.relpersistence = 'p' AND c.relkind = 'i'`,
  );
  // verify_heapam came with 14; on 13 every row is read instead.
  if (major >= 14) {
    const { rows } = await client.query(
      "SELECT c.relname, v.msg FROM pg_class c, verify_heapam(c.oid) v WHERE c.relkind IN ('r', 't', 'm') AND c.relpersistence = 'p'",
    );
    expect(rows).toEqual([]);
  }
  const { rows } = await client.query("SELECT count(*)::int AS rows, sum(length(body))::int AS bytes FROM filler");
  expect(rows).toEqual([{ rows: 10000, bytes: 10000 * 256 }]);
  // Recovery makes an unlogged relation empty from its init fork, which is all that was copied of it.
  expect((await client.query("SELECT * FROM fleeting")).rows).toEqual([]);
}
