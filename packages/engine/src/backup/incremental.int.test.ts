import { startWriterLedger, type TestServer, testServer } from "@tidemark/testkit";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { checkWhole, type Query, withRestored } from "./restored-server.fixture.ts";

describe.each([17, 18] as const)("an incremental backup of PostgreSQL %i", (major) => {
  let server: TestServer;
  let rig: EngineRig;
  beforeAll(async () => {
    rig = await engineRig();
    // A server does not recover with such tablespaces unless it is allowed to.
    const settings = { autovacuum: false, summarize_wal: true, allow_in_place_tablespaces: true };
    server = await testServer({ major, settings, tablespaces: ["fast"] });
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  const incremental = async (onStep: (step: string) => Promise<void> = async () => undefined) => {
    const backup = await rig.backup(server.dsn(), {}, rig.control({ onStep }));
    expect(backup.facts?.reading, said(rig)).toMatchObject({ kind: "incremental" });
    return backup;
  };

  it("restores as whole as any, without its parents", async () => {
    await prepare(server);
    const first = await rig.backup(server.dsn());
    expect(first.facts?.reading).toEqual({ kind: "full", reason: null });
    await using ledger = await startWriterLedger(server.dsn(), { tablespace: "fast" });
    await change(server);
    await cutOff(server, "cut_at_once");
    await growAgain(server, "cut_at_once");
    await cutOff(server, "cut_in_two");
    await cutOff(server, "cut_and_noted");
    await server.query("CHECKPOINT");
    await growAgain(server, "cut_and_noted");
    await ledger.advance(20);
    // After the manifest was uploaded: only now the limit decides what is laid.
    let isCut = false;
    const onStep = async (step: string) => {
      if (step !== "backup:before-stream" || isCut) return;
      isCut = true;
      await cutOff(server, "cut_late");
      await growAgain(server, "cut_late");
    };
    const second = await incremental(onStep);
    await changeAgain(server);
    await growAgain(server, "cut_in_two");
    await ledger.advance(20);
    const third = await incremental();
    await ledger.stop();

    expect(third.facts?.reading).toMatchObject({ fromBackupId: second.backupId, fromLsn: second.facts?.startLsn });
    expect(third.facts).toMatchObject({ suspectPages: [], trustRound: 1 });
    expect(third.facts?.backupLabel).not.toContain("INCREMENTAL");
    const counts = third.counts;
    expect(counts?.carriedBytes ?? 0n).toBeGreaterThan(20_000_000n);
    const sum = [counts?.newBytes, counts?.referencedBytes, counts?.carriedBytes, counts?.zeroBytes];
    expect(sum.reduce<bigint>((total, bytes) => total + (bytes ?? 0n), 0n)).toBe(third.plainBytes);

    await rig.area.deleteBackup(first.backupId);
    await rig.area.deleteBackup(second.backupId);
    expect(await rig.verify(third.backupId)).toMatchObject({ ok: true });
    const wanted = await contents((sql, database) => server.query(sql, [], { database: database ?? "postgres" }));
    await withRestored({ rig, server, backupId: third.backupId, name: "whole" }, async (query) => {
      expect(await contents(query)).toEqual(wanted);
      const byIndex = "SET enable_seqscan = off; SELECT count(id)::int AS rows FROM filler WHERE id > 0";
      expect(await query(byIndex)).toEqual([{ rows: 20_000 }]);
      for (const database of ["postgres", "walled", "copied"]) await checkWhole(query, database);
      const client = new pg.Client(server.dsn().replace(/:\d+\//, `:${await portOf(query)}/`));
      await client.connect();
      expect(await ledger.compare(client, third.facts?.stopLsn ?? 0n)).toMatchObject({ verdict: "whole" });
      await client.end();
    });
  });
});

/** Cut and grown again: before one summary ends, in two backups' intervals, in two summaries, and after the upload. */
const cutTables = ["cut_at_once", "cut_in_two", "cut_and_noted", "cut_late"];

async function portOf(query: Query): Promise<number> {
  const [row] = await query("SELECT inet_server_port() AS port");
  return (row as { port: number }).port;
}

function said(rig: EngineRig): string {
  return rig.events.flatMap((event) => (event.kind === "log" ? [event.message] : [])).join("\n");
}

/** Tables in each kind of tablespace, an index of each kind, rows long enough for TOAST, and a sequence. */
async function prepare(server: TestServer): Promise<void> {
  for (const sql of [
    "CREATE TABLESPACE inside LOCATION ''",
    "CREATE TABLE filler AS SELECT g AS id, repeat(md5(g::text), 8) AS body FROM generate_series(1, 20000) g",
    "CREATE INDEX filler_id ON filler (id)",
    "CREATE TABLE placed TABLESPACE fast AS SELECT * FROM filler",
    "CREATE TABLE inner_placed TABLESPACE inside AS SELECT * FROM filler",
    "CREATE INDEX ON placed USING hash (id)",
    "CREATE INDEX ON filler USING brin (id)",
    "CREATE INDEX ON filler USING gin (to_tsvector('simple', body))",
    "CREATE INDEX ON filler USING gist (point(id, id))",
    "CREATE INDEX ON filler USING spgist (body)",
    "CREATE TABLE gone AS SELECT * FROM filler",
    "CREATE TABLE long_rows AS SELECT g AS id, (SELECT string_agg(md5((g * n)::text), '') FROM generate_series(1, 300) n) AS body FROM generate_series(1, 100) g",
    "CREATE UNLOGGED TABLE fleeting AS SELECT * FROM filler",
    "CREATE SEQUENCE counter",
    ...cutTables.map(
      (name) =>
        `CREATE TABLE ${name} AS SELECT g AS id, repeat(md5(g::text), 34) AS body FROM generate_series(1, 1400) g`,
    ),
    "VACUUM FREEZE",
  ])
    await server.query(sql);
}

async function change(server: TestServer): Promise<void> {
  for (const sql of [
    "UPDATE filler SET body = 'changed' WHERE id % 5000 = 7",
    "UPDATE placed SET body = 'changed' WHERE id % 5000 = 7",
    "DELETE FROM inner_placed WHERE id > 19000",
    "UPDATE long_rows SET body = body || 'x' WHERE id = 3",
    "DROP TABLE gone",
    "CREATE TABLE gone AS SELECT g AS id, 'anew' AS body FROM generate_series(1, 500) g",
    "CREATE DATABASE walled STRATEGY wal_log",
    "CREATE DATABASE copied STRATEGY file_copy",
    "SELECT setval('counter', 1000)",
    "CREATE ROLE newcomer",
  ])
    await server.query(sql);
}

async function changeAgain(server: TestServer): Promise<void> {
  await server.query("CREATE TABLE own AS SELECT g AS id, md5(g::text) AS body FROM generate_series(1, 5000) g", [], {
    database: "copied",
  });
  for (const sql of [
    "VACUUM inner_placed",
    "INSERT INTO inner_placed SELECT g, 'grown' FROM generate_series(30001, 30500) g",
    "TRUNCATE gone",
    "INSERT INTO gone VALUES (1, 'after the truncation')",
    "VACUUM FULL placed",
    "ALTER TABLE long_rows SET TABLESPACE fast",
    "REINDEX INDEX filler_id",
  ])
    await server.query(sql);
}

/** 200 pages of 7 rows become 100. */
async function cutOff(server: TestServer, table: string): Promise<void> {
  const size = `SELECT (pg_relation_size('${table}') / 8192)::int AS pages`;
  expect((await server.query<{ pages: number }>(size))[0]?.pages).toBeGreaterThanOrEqual(200);
  await server.query(`DELETE FROM ${table} WHERE id > 700`);
  await server.query(`VACUUM ${table}`);
  expect(await server.query(size)).toEqual([{ pages: 100 }]);
}

/** COPY adds many pages at once; those it did not come to are zeros, and no WAL ever named them. */
async function growAgain(server: TestServer, table: string): Promise<void> {
  const file = `${await server.folder("copied")}/${table}`;
  await server.query(`COPY (SELECT g, repeat(md5(g::text), 34) FROM generate_series(5001, 5300) g) TO '${file}'`);
  await server.query(`COPY ${table} FROM '${file}'`);
  const { pages, zeros } = await pagesOf(server, table);
  // All of them were full of rows when the first backup was taken.
  expect(pages).toBeLessThan(200);
  expect(zeros).toBeGreaterThan(0);
}

async function pagesOf(server: TestServer, table: string): Promise<{ readonly pages: number; readonly zeros: number }> {
  await server.query("CHECKPOINT");
  const [row] = await server.query<{ bytes: Buffer }>(
    `SELECT pg_read_binary_file(pg_relation_filepath('${table}')) AS bytes`,
  );
  const bytes = row?.bytes ?? Buffer.alloc(0);
  const pages = bytes.length / 8192;
  const isZero = (page: number) => bytes.subarray(page * 8192, (page + 1) * 8192).every((byte) => byte === 0);
  return { pages, zeros: Array.from({ length: pages }, (_, page) => isZero(page)).filter(Boolean).length };
}

/** A digest of every table, read by sequential scans, and by the index where there is one. */
async function contents(query: Query): Promise<readonly unknown[]> {
  const digests: unknown[] = [];
  for (const table of ["filler", "placed", "inner_placed", "gone", "long_rows", ...cutTables]) {
    const digest = `SELECT count(*)::int AS rows, md5(string_agg(id || body, ',' ORDER BY id)) AS md5 FROM ${table}`;
    digests.push(...(await query(digest)));
  }
  digests.push(...(await query("SELECT last_value::int FROM counter")));
  digests.push(...(await query("SELECT count(*)::int AS rows FROM own", "copied")));
  digests.push(...(await query("SELECT rolname FROM pg_roles WHERE rolname = 'newcomer'")));
  return digests;
}
