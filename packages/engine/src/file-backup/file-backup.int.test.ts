import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import {
  type Major,
  majors,
  startWriterLedger,
  type TestServer,
  testServer,
  type WriterLedger,
} from "@tidemark/testkit";
import pg from "pg";
import { describe, expect, it } from "vitest";
import type { BackupSource } from "../backup-source.ts";
import { type EngineRig, engineRig, filesFrom } from "../engine-rig.ts";

describe.each([...majors])("PostgreSQL %i, file by file", (major) => {
  it("backs up under load, restores elsewhere, starts, and has exactly the rows of the stop position", async () => {
    await using rig = await engineRig();
    await using server = await testServer({ major, tablespaces: ["fast"], checksums: true });
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 20000) g",
    );
    await server.query("CREATE INDEX filler_body ON filler (body)");
    await server.query("CREATE UNLOGGED TABLE fleeting AS SELECT g AS id FROM generate_series(1, 1000) g");
    await using ledger = await startWriterLedger(server.dsn(), { tablespace: "fast" });
    await ledger.advance(50);
    const overSql = await copyDuringWrites(rig, filesFrom(server.dsn(), { readers: 4 }), ledger);
    const local = await copyDuringWrites(rig, filesFrom(server.dsn(), { dataDirectory: server.dataDir }), ledger);
    await ledger.stop();
    expect(overSql.facts).toMatchObject({ method: "read-files", fromStandby: false, suspectPages: [], notes: [] });
    expect(local.facts).toMatchObject({ method: "local-files", suspectPages: [], notes: [] });
    expect(local.parentId).toBe(overSql.backupId);
    for (const backup of [overSql, local]) {
      expect(await rig.verify(backup.backupId)).toMatchObject({ ok: true, problems: [], suspectPageCount: 0 });
      await restoreAndCompare(rig, server, backup.backupId, async (client) => {
        const comparison = await ledger.compare(client, backup.facts?.stopLsn ?? 0n);
        expect(comparison.verdict).toBe("whole");
        expect(comparison.restoredRows).toBeGreaterThanOrEqual(50);
        await checkContents(client, major);
      });
    }
  });
});

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
  expect(rows).toEqual([{ rows: 20000, bytes: 20000 * 256 }]);
  // Recovery makes an unlogged relation empty from its init fork, which is all that was copied of it.
  expect((await client.query("SELECT * FROM fleeting")).rows).toEqual([]);
}
