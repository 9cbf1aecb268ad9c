import { Secret } from "@tidemark/kit";
import { startCluster } from "@tidemark/local-postgres";
import {
  findHostTool,
  type Major,
  majors,
  runTool,
  startWriterLedger,
  type TestServer,
  testServer,
} from "@tidemark/testkit";
import pg from "pg";
import { describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "./engine-rig.ts";

describe.each([...majors])("PostgreSQL %i", (major) => {
  it("backs up under load, verifies, restores elsewhere, starts, and has exactly the rows of the stop position", async () => {
    await using rig = await engineRig();
    await using server = await testServer({ major, tablespaces: ["fast"], checksums: true });
    await server.query(
      "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 20000) g",
    );
    await server.query("CREATE INDEX filler_body ON filler (body)");
    await using ledger = await startWriterLedger(server.dsn(), { tablespace: "fast" });
    await ledger.advance(50);
    const first = await rig.backup(server.dsn());
    await ledger.advance(50);
    await ledger.stop();
    expect(first.facts).toMatchObject({
      fromStandby: false,
      checksumsEnabled: true,
      blockSize: 8192,
      suspectPages: [],
      notes: [],
    });

    expect(await rig.verify(first.backupId)).toMatchObject({ ok: true, problems: [], suspectPageCount: 0 });
    const target = rig.dir.join("restored", "data");
    const tablespace = rig.dir.join("restored", "fast");
    const plan = await rig.plan({
      targetDirectory: target,
      owner: ownerForTests(),
      tablespaces: [{ from: first.facts?.tablespaces[0]?.path ?? "", to: tablespace }],
    });
    expect(plan.checks.filter((check) => check.state !== "ok")).toEqual([]);
    const report = await rig.restore(plan);
    expect(report.fileCount).toBe(first.fileCount);
    if (major === 15) await agreeWithPgVerifybackup(target);

    await startAndCompare(server, target, tablespace, async (client) => {
      const comparison = await ledger.compare(client, first.facts?.stopLsn ?? 0n);
      expect(comparison.verdict).toBe("whole");
      expect(comparison.restoredRows).toBeGreaterThanOrEqual(50);
      await checkIndexes(client, major);
    });
    expect(await rig.drill({ backupId: first.backupId })).toMatchObject({ outcome: "proven", reason: null });
    await referencesUnchanged(rig, server);
  });
});

/** A second backup of a nearly unchanged server stores a small part of what it reads. */
async function referencesUnchanged(rig: EngineRig, server: TestServer): Promise<void> {
  await server.query("UPDATE filler SET body = 'changed' WHERE id = 7");
  const { counts, parentId, backupId } = await rig.backup(server.dsn());
  expect(parentId).not.toBeNull();
  const share = Number(counts?.storedBytes ?? 0n) / Number(counts?.readBytes ?? 1n);
  expect(share).toBeLessThan(0.05);
  expect(counts?.referencedBytes ?? 0n).toBeGreaterThan(20_000_000n);
  expect(await rig.verify(backupId)).toMatchObject({ ok: true });
}

async function agreeWithPgVerifybackup(target: string): Promise<void> {
  const tools = await findHostTool(15, "pg_verifybackup");
  expect(tools, "Debian's postgresql-15 brings pg_verifybackup").not.toBeNull();
  if (tools === null) return;
  const result = await runTool(tools, "pg_verifybackup", [target]);
  expect(`${result.exitCode} ${result.stderr}`).toBe("0 ");
}

async function startAndCompare(
  server: TestServer,
  target: string,
  tablespace: string,
  compare: (client: pg.Client) => Promise<void>,
) {
  const password = new Secret(server.password);
  const { installation } = server.cluster;
  await using cluster = await startCluster({ installation, dataDir: target, superuser: server.superuser, password });
  const client = new pg.Client(cluster.dsn());
  await client.connect();
  try {
    const { rows } = await client.query(
      "SELECT pg_tablespace_location(oid) AS place FROM pg_tablespace WHERE spcname = 'fast'",
    );
    expect(rows).toEqual([{ place: tablespace }]);
    await compare(client);
  } finally {
    await client.end();
  }
}

async function checkIndexes(client: pg.Client, major: Major): Promise<void> {
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
}

/** As root the servers of tests run under another account. */
function ownerForTests(): string | null {
  return process.getuid?.() === 0 ? "postgres" : null;
}
