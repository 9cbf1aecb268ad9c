import { execFile } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { parseDsn, SqlSession } from "@tidemark/postgres";
import type { BenchSettings } from "./settings.ts";

const run = promisify(execFile);

/** The server that is backed up: trust over its socket, WAL kept, summaries where the major has them. */
export interface BenchCluster {
  readonly dataDir: string;
  readonly socketDir: string;
  readonly port: number;
  readonly major: number;
  readonly dsn: string;
  readonly postmaster: number;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  /** A setting of a module that the server may not have loaded yet. */
  setOfModule(library: string, name: string, value: string): Promise<void>;
  stop(): Promise<void>;
}

export const database = "bench";
const port = 54_99;

export async function startBenchCluster({ pgBin, workDir, wal }: BenchSettings): Promise<BenchCluster> {
  const dataDir = join(workDir, "data");
  const socketDir = join(workDir, "socket");
  mkdirSync(socketDir, { recursive: true });
  await run(join(pgBin, "initdb"), [
    "-D",
    dataDir,
    "-U",
    database,
    "-A",
    "trust",
    "-E",
    "UTF8",
    "--locale=C",
    "--data-checksums",
  ]);
  const major = Number(readFileSync(join(dataDir, "PG_VERSION"), "utf8"));
  appendFileSync(join(dataDir, "postgresql.conf"), configuration(socketDir, major, wal));
  await run(join(pgBin, "pg_ctl"), ["-D", dataDir, "-w", "-l", join(workDir, "server.log"), "start"]);
  const dsn = `host=${socketDir} port=${port} user=${database} dbname=postgres`;
  const query = async (sql: string, dbname = database) => {
    const session = await SqlSession.connect(parseDsn(dsn.replace("dbname=postgres", `dbname=${dbname}`)), {});
    try {
      return await session.query<Record<string, unknown>>(sql, [], { timeoutMs: 3_600_000 });
    } finally {
      await session.close();
    }
  };
  await query(`CREATE DATABASE ${database}`, "postgres");
  const postmaster = Number(readFileSync(join(dataDir, "postmaster.pid"), "utf8").split("\n")[0]);
  const stop = async () => {
    await run(join(pgBin, "pg_ctl"), ["-D", dataDir, "-w", "-m", "immediate", "stop"]);
  };
  const setOfModule = async (library: string, name: string, value: string) => {
    const session = await SqlSession.connect(parseDsn(dsn), {});
    try {
      await session.query(`LOAD '${library}'`, []);
      await session.query(`ALTER SYSTEM SET ${name} = '${value}'`, []);
    } finally {
      await session.close();
    }
  };
  return { setOfModule, dataDir, socketDir, port, major, dsn, postmaster, query, stop };
}

function configuration(socketDir: string, major: number, wal: boolean): string {
  const settings = {
    // Reached over its socket alone: two benchmarks on one machine are not in each other's way.
    listen_addresses: "",
    port,
    unix_socket_directories: socketDir,
    shared_buffers: "256MB",
    max_wal_size: "8GB",
    wal_level: "replica",
    archive_mode: "on",
    archive_command: "true",
    wal_keep_size: "2GB",
    max_wal_senders: 10,
    max_replication_slots: 10,
    autovacuum: "off",
    jit: "off",
    ...(major >= 17 && !wal ? { summarize_wal: "on" } : {}),
    // Where WAL is measured, a slot keeps it, and nothing but what is measured reads or writes meanwhile.
    ...(wal ? { max_wal_size: "200GB", checkpoint_timeout: "1h", wal_keep_size: 0, ...manySenders } : {}),
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name} = '${value}'\n`)
    .join("");
}

const manySenders = { max_wal_senders: 40, max_replication_slots: 40 };

/** A set like pgbench's, with texts that compress as real ones do (about 6:1 by zstd) instead of blanks (20:1). */
export async function fill(cluster: BenchCluster, scale: number): Promise<void> {
  const filler = `CASE g % 4 WHEN 0 THEN md5(g::text) || md5((g + 1)::text)
    WHEN 1 THEN md5(g::text) || ' order ' || g || ' shipped to customer ' || (g % 977)
    ELSE 'item ' || (g::bigint * 7919 % 1000003) || ' status=open qty=' || (g % 13) || ' note=standard delivery within 3 days' END`;
  await cluster.query(
    `CREATE TABLE public.pgbench_accounts AS
       SELECT g AS aid, (g - 1) / 100000 + 1 AS bid, 0 AS abalance, ${filler} AS filler FROM generate_series(1, ${scale * 100_000}) g`,
  );
  await cluster.query("ALTER TABLE public.pgbench_accounts ADD PRIMARY KEY (aid)");
  await cluster.query("VACUUM (FREEZE, ANALYZE) public.pgbench_accounts");
  await cluster.query("CHECKPOINT");
}

/** Touches about so many percent of the table's and its index's blocks, evenly spread, other rows each time. */
export async function change(cluster: BenchCluster, scale: number, percent: number, turn: number): Promise<void> {
  const [size] = await cluster.query(
    "SELECT sum(pg_relation_size(oid) / 8192)::float8 AS blocks FROM pg_class WHERE relname LIKE 'pgbench_accounts%'",
  );
  const rows = Math.max(1, Math.round((Number(size?.blocks) * percent) / 100 / 2));
  const every = Math.max(1, Math.floor((scale * 100_000) / rows));
  await cluster.query(
    `UPDATE public.pgbench_accounts SET abalance = abalance + 1 WHERE aid % ${every} = ${(turn * 7919) % every}`,
  );
  await cluster.query("CHECKPOINT");
  await cluster.query("SELECT pg_switch_wal()");
}
