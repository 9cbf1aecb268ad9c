import { AppError } from "@tidemark/kit";
import { formatLsn, type Lsn, parseLsn } from "../files/lsn.ts";
import type { RelationFile } from "../files/relation-file.ts";
import type { Asker } from "./asker.ts";

/** One file of `pg_wal/summaries` (17+): what a stretch of WAL changed. It is written once and never changed. */
export interface WalSummary {
  readonly timeline: number;
  readonly startLsn: Lsn;
  readonly endLsn: Lsn;
}

/** How the server summarizes its WAL (17+). */
export interface WalSummarizer {
  /** The setting `summarize_wal`. */
  readonly enabled: boolean;
  /** How far it came, on disk. Null while it never ran since the server started. */
  readonly summarizedLsn: Lsn | null;
  readonly summarizedTimeline: number | null;
  /** Null while no process does it. */
  readonly processId: number | null;
}

/** From which block on a relation's fork was cut off, or made anew (0), at least once in the WAL of some summaries. */
export interface RelationLimit {
  readonly tablespaceOid: number;
  /** 0 for shared relations. */
  readonly databaseOid: number;
  readonly relfilenode: number;
  readonly fork: RelationFile["fork"];
  /** The smallest, counted within the relation. */
  readonly block: number;
}

/** All the summaries there are, by timeline and start. 17+. Needs: any login (pg_available_wal_summaries is public). */
export async function readWalSummaries(asker: Asker): Promise<WalSummary[]> {
  const rows = await asker.query<{ timeline: number; start: string; end: string }>(summariesQuestion);
  return rows.map(({ timeline, start, end }) => ({ timeline, startLsn: parseLsn(start), endLsn: parseLsn(end) }));
}

const summariesQuestion = `
  SELECT s.tli::float8 AS timeline, s.start_lsn::text AS start, s.end_lsn::text AS end
    FROM pg_catalog.pg_available_wal_summaries() s
   ORDER BY s.tli, s.start_lsn, s.end_lsn`;

/** 17+. Needs: any login. */
export async function readWalSummarizer(asker: Asker): Promise<WalSummarizer> {
  const [row] = await asker.query<{ enabled: boolean; lsn: string; timeline: number; pid: number | null }>(
    `SELECT pg_catalog.current_setting('summarize_wal')::bool AS enabled, s.summarized_lsn::text AS lsn,
            s.summarized_tli::float8 AS timeline, s.summarizer_pid AS pid
       FROM pg_catalog.pg_get_wal_summarizer_state() s`,
  );
  if (row === undefined) throw new AppError("protocol-violation", { message: "the WAL summarizer has no state" });
  // Zeros until it has looked (walsummarizer.c, GetWalSummarizerState).
  const never = row.timeline === 0;
  return {
    enabled: row.enabled,
    summarizedLsn: never ? null : parseLsn(row.lsn),
    summarizedTimeline: never ? null : row.timeline,
    processId: row.pid,
  };
}

/**
 * The limit blocks that the given summaries name, the smallest of each fork, but for those of 0: a fork with one of 0 the
 * server always sends in full (basebackup_incremental.c, GetFileBackupMethod), and on a server that makes and drops
 * many tables they are by far the most.
 *
 * Needs: any login. Every file is read whole by the server: seconds for days of a busy server.
 *
 * @throws AppError `server-error` when a summary is gone by now.
 */
export async function readRelationLimits(asker: Asker, summaries: readonly WalSummary[]): Promise<RelationLimit[]> {
  const smallest = new Map<string, RelationLimit>();
  for (let from = 0; from < summaries.length; from += summariesAtOnce) {
    const some = summaries.slice(from, from + summariesAtOnce);
    const rows = await asker.query<LimitRow>(limitsQuestion, summaryLists(some), { timeoutMs: contentsTimeoutMs });
    for (const row of rows) keepSmallest(smallest, toLimit(row));
  }
  return [...smallest.values()];
}

/**
 * The forks that one of these summaries says were cut at a block, and a later one of the same list says were changed at
 * or behind it. `limit.block` is the smallest such cut.
 *
 * Needs: any login. Throws as `readRelationLimits`.
 */
export async function readChangedBehindLimits(
  asker: Asker,
  summaries: readonly WalSummary[],
): Promise<RelationLimit[]> {
  const rows = await asker.query<LimitRow>(changedBehindQuestion, summaryLists(summaries), {
    timeoutMs: contentsTimeoutMs,
  });
  return rows.map(toLimit);
}

function summaryLists(summaries: readonly WalSummary[]): readonly string[] {
  const list = (value: (summary: WalSummary) => string): string => `{${summaries.map(value).join(",")}}`;
  return [
    list(({ timeline }) => String(timeline)),
    list(({ startLsn }) => formatLsn(startLsn)),
    list(({ endLsn }) => formatLsn(endLsn)),
  ];
}

interface LimitRow {
  readonly tablespace: number;
  readonly database: number;
  readonly relfilenode: number;
  readonly fork: number;
  readonly block: number;
}

/** OIDs, forks and blocks have 32 bits: exact in a float8. */
const limitsQuestion = `
  SELECT c.reltablespace::int8::float8 AS tablespace, c.reldatabase::int8::float8 AS database,
         c.relfilenode::int8::float8 AS relfilenode, c.relforknumber::float8 AS fork,
         pg_catalog.min(c.relblocknumber)::float8 AS block
  FROM ROWS FROM (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::pg_catalog.pg_lsn[]),
                    pg_catalog.unnest($3::pg_catalog.pg_lsn[])) s (tli, start_lsn, end_lsn),
         LATERAL pg_catalog.pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn) c
   WHERE c.is_limit_block AND c.relblocknumber > 0
   GROUP BY c.reltablespace, c.reldatabase, c.relfilenode, c.relforknumber`;

function keepSmallest(smallest: Map<string, RelationLimit>, limit: RelationLimit): void {
  const key = `${limit.tablespaceOid}/${limit.databaseOid}/${limit.relfilenode}/${limit.fork}`;
  const known = smallest.get(key);
  if (known === undefined || limit.block < known.block) smallest.set(key, limit);
}

function toLimit(row: LimitRow): RelationLimit {
  const fork = forks[row.fork];
  if (fork === undefined) throw new AppError("protocol-violation", { message: `a WAL summary names fork ${row.fork}` });
  return {
    tablespaceOid: row.tablespace,
    databaseOid: row.database,
    relfilenode: row.relfilenode,
    fork,
    block: row.block,
  };
}

/** WAL positions grow along a server's timelines, so they order the summaries of one history. */
const changedBehindQuestion = `
  WITH contents AS MATERIALIZED (
    SELECT s.start_lsn, c.*
      FROM ROWS FROM (pg_catalog.unnest($1::int8[]), pg_catalog.unnest($2::pg_catalog.pg_lsn[]),
                      pg_catalog.unnest($3::pg_catalog.pg_lsn[])) s (tli, start_lsn, end_lsn),
           LATERAL pg_catalog.pg_wal_summary_contents(s.tli, s.start_lsn, s.end_lsn) c)
  SELECT a.reltablespace::int8::float8 AS tablespace, a.reldatabase::int8::float8 AS database,
         a.relfilenode::int8::float8 AS relfilenode, a.relforknumber::float8 AS fork,
         pg_catalog.min(a.relblocknumber)::float8 AS block
    FROM contents a
    JOIN contents b ON b.reltablespace = a.reltablespace AND b.reldatabase = a.reldatabase
                   AND b.relfilenode = a.relfilenode AND b.relforknumber = a.relforknumber
   WHERE a.is_limit_block AND a.relblocknumber > 0 AND NOT b.is_limit_block
     AND b.start_lsn > a.start_lsn AND b.relblocknumber >= a.relblocknumber
   GROUP BY a.reltablespace, a.reldatabase, a.relfilenode, a.relforknumber`;

/** ForkNumber of src/include/common/relpath.h. */
const forks = ["main", "fsm", "vm", "init"] as const;
/** About a day of checkpoints, each of which ends a summary. */
const summariesAtOnce = 256;
const contentsTimeoutMs = 600_000;
