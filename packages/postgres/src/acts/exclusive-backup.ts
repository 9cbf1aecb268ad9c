import { AppError } from "@tidemark/kit";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import { walSegmentName } from "../files/wal-segment.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { act, onlyRow } from "./act-outcome.ts";
import { assertWritesWal, readActState } from "./act-state.ts";
import { type BackupFunctions, backupFunctions, serverClockMs } from "./backup-functions.ts";
import { assertBackupLabel, type StartBackupRequest, type StopBackupRequest } from "./low-level-backup.ts";

/** Where an exclusive backup starts or ends. Its label is the file backup_label in the data directory. */
export interface ExclusiveBackupEnd {
  readonly lsn: Lsn;
  /** The segment that holds `lsn`. */
  readonly walFile: string;
  readonly timeline: number;
  /** The server's clock. */
  readonly at: Date;
}

export interface RunningExclusiveBackup {
  readonly startedAt: Date;
}

/**
 * Starts an exclusive backup: one for the whole server, on a primary of 13 or 14. It outlives its session; a server
 * that crashes meanwhile may not start again until backup_label is removed, so take the concurrent form where nothing
 * forbids it.
 *
 * Privilege: EXECUTE on `pg_start_backup(text, boolean, boolean)`.
 *
 * @throws AppError `version-unsupported` from 15 on, `server-in-recovery`, `wal-level-minimal`,
 * `backup-already-running` when one was left behind or runs.
 */
export async function startExclusiveBackup(
  session: SqlSession,
  request: StartBackupRequest,
): Promise<ExclusiveBackupEnd> {
  assertBackupLabel(request.label);
  const state = await readActState(session);
  const { start } = exclusiveFunctions(state.major);
  assertWritesWal(state, "an exclusive backup");
  const running = await readExclusiveBackup(session);
  if (running !== null) throw alreadyRunning(running);
  return await act("starting an exclusive backup", () =>
    askForEnd(session, start, [request.label, request.fast], request.timeoutMs ?? 3_600_000),
  );
}

/**
 * Ends the server's exclusive backup, from any session; also one that was left behind.
 *
 * Privilege: EXECUTE on `pg_stop_backup(boolean, boolean)`.
 *
 * @throws AppError `version-unsupported` from 15 on, `server-in-recovery`, `bad-request` when none runs.
 */
export async function stopExclusiveBackup(
  session: SqlSession,
  request: StopBackupRequest & { readonly timeoutMs?: number | undefined },
): Promise<ExclusiveBackupEnd> {
  const state = await readActState(session);
  const { stop } = exclusiveFunctions(state.major);
  assertWritesWal(state, "an exclusive backup");
  if ((await readExclusiveBackup(session)) === null) {
    throw new AppError("bad-request", { message: "the server has no exclusive backup to stop" });
  }
  return await act("stopping an exclusive backup", () =>
    askForEnd(session, `${stop} AS stop(lsn, labelfile, spcmapfile)`, [request.waitForArchive], request.timeoutMs ?? 0),
  );
}

/**
 * The exclusive backup the server is in, its own or one a crashed tool left behind; null when there is none, which
 * from 15 on is always.
 */
export async function readExclusiveBackup(session: SqlSession): Promise<RunningExclusiveBackup | null> {
  const { major } = await readActState(session);
  if (backupFunctions(major).exclusive === null) return null;
  const row = onlyRow(
    await session.query<{ running: boolean; at: number | null }>(
      `SELECT pg_catalog.pg_is_in_backup() AS running, (EXTRACT(EPOCH FROM pg_catalog.pg_backup_start_time()) * 1000)::float8 AS at`,
    ),
    "its exclusive backup",
  );
  return row.running && row.at !== null ? { startedAt: new Date(row.at) } : null;
}

function exclusiveFunctions(major: number): NonNullable<BackupFunctions["exclusive"]> {
  const { exclusive } = backupFunctions(major);
  if (exclusive !== null) return exclusive;
  throw new AppError("version-unsupported", {
    message: `PostgreSQL ${major} has no exclusive backup: it went with 15`,
    hint: "take the concurrent form (start and stop in one session)",
    context: { major },
  });
}

function alreadyRunning(running: RunningExclusiveBackup): AppError {
  return new AppError("backup-already-running", {
    message: `the server is in an exclusive backup since ${running.startedAt.toISOString()}`,
    hint: "when nobody takes that backup any more, it was left behind: SELECT pg_stop_backup(true, false) ends it",
  });
}

async function askForEnd(
  session: SqlSession,
  call: string,
  parameters: readonly (string | boolean)[],
  timeoutMs: number,
): Promise<ExclusiveBackupEnd> {
  const source = call.includes(" AS ") ? call : `${call} AS lsn`;
  const rows = await session.query<EndRow>(
    `SELECT lsn::text AS lsn,
            (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) AS timeline,
            pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))::int4 AS segment_size,
            ${serverClockMs} AS at
       FROM ${source}`,
    parameters,
    { timeoutMs },
  );
  const row = onlyRow(rows, "the exclusive backup");
  const lsn = parseLsn(row.lsn);
  return {
    lsn,
    walFile: walSegmentName(row.timeline, lsn, row.segment_size),
    timeline: row.timeline,
    at: new Date(row.at),
  };
}

interface EndRow {
  readonly lsn: string;
  readonly timeline: number;
  readonly segment_size: number;
  readonly at: number;
}
