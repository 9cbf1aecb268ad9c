import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestServer } from "@tidemark/testkit";
import type { Lsn } from "../files/lsn.ts";
import { parseLsn } from "../files/lsn.ts";
import { parseWalSegmentName } from "../files/wal-segment.ts";

/** Segments as small as they come, so that records cross their ends often. */
export const workloadSegmentMb = 1;
export const workloadSegmentBytes = workloadSegmentMb << 20;

export const workloadSettings = {
  wal_level: "logical",
  wal_keep_size: "1GB",
  max_wal_size: "2GB",
  max_prepared_transactions: 8,
  track_commit_timestamp: true,
  wal_log_hints: true,
  autovacuum: false,
} as const;

/** Runs every sort of statement that writes WAL; gives where the WAL stood before and after. */
export async function runWorkload(server: TestServer): Promise<{ readonly from: Lsn; readonly to: Lsn }> {
  const from = await insertLsn(server);
  const client = await server.client();
  for (const statement of statementsFor(server.major)) await client.query(statement);
  await client.end();
  await server.query("ALTER SYSTEM SET max_connections = 90");
  await server.restart();
  await server.query("INSERT INTO rows SELECT g, 'after a restart' FROM generate_series(900001, 900200) g");
  await server.kill();
  await server.start();
  await server.query("INSERT INTO rows SELECT g, 'after a crash' FROM generate_series(910001, 910200) g");
  await server.query("DROP TABLE dropped");
  await server.query("CHECKPOINT");
  return { from, to: await flushLsn(server) };
}

/** The server's segments from the oldest it keeps up to the one that holds `to`, in order. */
export async function readSegments(server: TestServer, to: Lsn, sizeBytes = workloadSegmentBytes): Promise<StoredWal> {
  const folder = join(server.dataDir, "pg_wal");
  const names = (await readdir(folder)).filter((name) => /^[0-9A-F]{24}$/.test(name)).sort();
  const segments: Uint8Array[] = [];
  let startLsn: Lsn | null = null;
  for (const name of names) {
    const place = parseWalSegmentName(name, sizeBytes);
    if (place === null || place.startLsn >= to) continue;
    startLsn ??= place.startLsn;
    segments.push(await readFile(join(folder, name)));
  }
  if (startLsn === null) throw new Error("the server keeps no WAL");
  return { startLsn, segments };
}

export interface StoredWal {
  readonly startLsn: Lsn;
  readonly segments: readonly Uint8Array[];
}

export async function insertLsn(server: TestServer): Promise<Lsn> {
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_insert_lsn()::text AS lsn");
  return parseLsn(row?.lsn ?? "");
}

export async function flushLsn(server: TestServer): Promise<Lsn> {
  const [row] = await server.query<{ lsn: string }>("SELECT pg_current_wal_flush_lsn()::text AS lsn");
  return parseLsn(row?.lsn ?? "");
}

function statementsFor(major: number): string[] {
  return [
    "CREATE TABLE rows (id int PRIMARY KEY, body text)",
    "INSERT INTO rows SELECT g, repeat('x', g % 90) FROM generate_series(1, 2000) g",
    "CREATE TABLE dropped AS SELECT * FROM rows",
    "COPY rows FROM PROGRAM 'seq 100001 101500 | sed s/$/,copied/' (FORMAT csv)",
    "UPDATE rows SET body = body || '!' WHERE id % 3 = 0",
    "DELETE FROM rows WHERE id % 7 = 0",
    "INSERT INTO rows VALUES (1, 'again'), (7, 'new') ON CONFLICT (id) DO UPDATE SET body = excluded.body",
    ...indexes(major),
    "CREATE TABLE emptied AS SELECT * FROM rows",
    "TRUNCATE emptied",
    "BEGIN; TRUNCATE emptied; INSERT INTO emptied SELECT * FROM rows LIMIT 50; COMMIT",
    "BEGIN; TRUNCATE emptied; INSERT INTO emptied SELECT * FROM rows LIMIT 50; ROLLBACK",
    "CREATE TABLE long (id int, body text); ALTER TABLE long ALTER body SET STORAGE EXTERNAL",
    "INSERT INTO long SELECT g, repeat(md5(g::text), 20000) FROM generate_series(1, 3) g",
    "DELETE FROM long WHERE id = 2",
    // Longer than two segments: continued over both.
    "SELECT pg_logical_emit_message(true, 'test', repeat('m', 2500000))",
    "SELECT pg_logical_emit_message(false, 'test', 'small')",
    ...transactions,
    "CREATE SEQUENCE numbers; SELECT nextval('numbers'), nextval('numbers'); SELECT setval('numbers', 9000)",
    "SET wal_compression = on",
    "CHECKPOINT",
    "UPDATE rows SET body = body || '?' WHERE id % 2 = 0",
    "SET wal_compression = off",
    "VACUUM rows; VACUUM FREEZE indexed; VACUUM FULL rows; CLUSTER rows USING rows_pkey",
    "SELECT pg_create_restore_point('before the switch')",
    "SELECT pg_switch_wal()",
    ...(major >= 15
      ? ["CREATE DATABASE logged STRATEGY wal_log", "CREATE DATABASE copied STRATEGY file_copy"]
      : ["CREATE DATABASE copied"]),
    "ALTER DATABASE copied SET work_mem = '1MB'",
    "DROP DATABASE copied",
    "SELECT pg_replication_origin_create('elsewhere'); SELECT pg_replication_origin_session_setup('elsewhere')",
    "BEGIN; SELECT pg_replication_origin_xact_setup('0/123', now()); INSERT INTO rows VALUES (-1, 'from elsewhere'); COMMIT",
    "SELECT pg_replication_origin_session_reset(); SELECT pg_replication_origin_advance('elsewhere', '0/456')",
    "ALTER TABLE rows ADD COLUMN extra int DEFAULT 7; ALTER TABLE rows ALTER extra TYPE bigint",
    "CREATE MATERIALIZED VIEW seen AS SELECT count(*) FROM rows; REFRESH MATERIALIZED VIEW seen",
    "CREATE UNLOGGED TABLE unlogged AS SELECT * FROM rows LIMIT 10",
    "VACUUM FULL pg_class",
    "SELECT pg_create_restore_point('ünïcode point')",
    "SELECT pg_switch_wal()",
    "SELECT pg_switch_wal()",
  ].flatMap((line) => (/^(SELECT|VACUUM|CREATE DATABASE|DROP DATABASE)/.test(line) ? line.split("; ") : [line]));
}

const transactions = [
  "BEGIN; INSERT INTO rows VALUES (-10, 'prepared'); CREATE TABLE two_phase (id int); PREPARE TRANSACTION 'first one'",
  "BEGIN; INSERT INTO rows VALUES (-11, 'prepared'); DROP TABLE emptied; PREPARE TRANSACTION 'second'",
  "COMMIT PREPARED 'first one'",
  "ROLLBACK PREPARED 'second'",
  `DO $$ BEGIN FOR i IN 1..80 LOOP
    BEGIN INSERT INTO rows VALUES (-1000 - i, 'subtransaction'); IF i % 5 = 0 THEN RAISE 'no'; END IF;
    EXCEPTION WHEN raise_exception THEN NULL; END; END LOOP; END $$`,
  "BEGIN; SELECT * FROM rows WHERE id = 1 FOR KEY SHARE; SAVEPOINT s; UPDATE rows SET body = 'multi' WHERE id = 1; ROLLBACK TO s; COMMIT",
];

function indexes(major: number): string[] {
  return [
    "CREATE TABLE indexed (id int, words tsvector, place point, span int4range, body text)",
    `INSERT INTO indexed SELECT g, to_tsvector('simple', md5(g::text)), point(g, g % 50), int4range(g, g + 5), md5(g::text)
      FROM generate_series(1, 800) g`,
    "CREATE INDEX ON indexed USING btree (body)",
    "CREATE INDEX ON indexed USING hash (id)",
    "CREATE INDEX ON indexed USING gin (words)",
    "CREATE INDEX ON indexed USING gist (place)",
    "CREATE INDEX ON indexed USING gist (span)",
    "CREATE INDEX ON indexed USING spgist (place)",
    "CREATE INDEX ON indexed USING brin (id) WITH (pages_per_range = 2)",
    "CREATE EXTENSION bloom; CREATE INDEX ON indexed USING bloom (id)",
    `INSERT INTO indexed SELECT g, to_tsvector('simple', md5(g::text)), point(g % 77, g), int4range(g, g + 9), md5(g::text)
      FROM generate_series(801, 1800) g`,
    "DELETE FROM indexed WHERE id % 4 = 0",
    "VACUUM indexed",
    `CREATE TABLE parts (id int) PARTITION BY RANGE (id); CREATE TABLE parts_${major} PARTITION OF parts FOR VALUES FROM (0) TO (100)`,
    "INSERT INTO parts SELECT generate_series(0, 99)",
  ];
}
