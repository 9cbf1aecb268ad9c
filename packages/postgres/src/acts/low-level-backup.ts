import { AppError } from "@tidemark/kit";
import { type BackupLabel, parseBackupLabel } from "../files/backup-label.ts";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { onlyRow } from "./act-outcome.ts";
import { type ActState, readActState } from "./act-state.ts";
import { backupFunctions, serverClockMs } from "./backup-functions.ts";

export interface StartBackupRequest {
  /** Stands in backup_label; one line of at most 1,024 bytes. */
  readonly label: string;
  /** The start's checkpoint at full speed; else spread, which takes minutes (checkpoint_completion_target). */
  readonly fast: boolean;
  /** 3,600,000 unless given: a spread checkpoint takes as long as checkpoint_timeout says. */
  readonly timeoutMs?: number | undefined;
}

export interface StartedBackup {
  /** WAL is needed from here. */
  readonly startLsn: Lsn;
  readonly timeline: number;
  /** The server's clock. */
  readonly startedAt: Date;
  /** A standby: its backup starts at its last restartpoint, and ends when it is promoted. */
  readonly fromStandby: boolean;
  readonly major: number;
}

export interface StopBackupRequest {
  /** Waits until the last segment needed is archived: a primary with archive_mode on, a standby with `always`. */
  readonly waitForArchive: boolean;
}

export interface StoppedBackup {
  /** Recovery must come this far before the copy is consistent. */
  readonly stopLsn: Lsn;
  readonly timeline: number;
  /** What goes into the file backup_label, byte for byte. */
  readonly labelText: string;
  readonly label: BackupLabel;
  /** What goes into the file tablespace_map, byte for byte; empty without tablespaces. */
  readonly tablespaceMap: Uint8Array;
  readonly stoppedAt: Date;
}

/**
 * Starts a concurrent (non-exclusive) low-level backup. It lives and dies with the session: `BackupSession` is the
 * way to hold one.
 *
 * Privilege: EXECUTE on `pg_backup_start(text, boolean)`, up to 14 on `pg_start_backup(text, boolean, boolean)`.
 *
 * @throws AppError `wal-level-minimal`, `backup-already-running` (in this session), `privilege-missing`, `bad-request`.
 */
export async function startBackup(session: SqlSession, request: StartBackupRequest): Promise<StartedBackup> {
  assertBackupLabel(request.label);
  const state = await readActState(session);
  assertWalForBackup(state);
  const rows = await session.query<StartRow>(
    `SELECT lsn::text AS lsn, (${startTimeline}) AS timeline, ${serverClockMs} AS at
       FROM ${backupFunctions(state.major).start} AS lsn`,
    [request.label, request.fast],
    { timeoutMs: request.timeoutMs ?? startMs },
  );
  const row = onlyRow(rows, "the backup's start");
  return {
    startLsn: parseLsn(row.lsn),
    timeline: row.timeline,
    startedAt: new Date(row.at),
    fromStandby: state.inRecovery,
    major: state.major,
  };
}

/**
 * Ends the session's backup and gives its label and tablespace map. Without a time limit of the server's: a statement
 * that is cancelled while it waits for the archive has ended the backup and lost its label. Who must not wait for
 * ever ends the session (`BackupSession.stop` does).
 *
 * Privilege: EXECUTE on `pg_backup_stop(boolean)`, up to 14 on `pg_stop_backup(boolean, boolean)`.
 *
 * @throws AppError `standby-promoted` when the standby it was started on is none any more.
 */
export async function stopBackup(
  session: SqlSession,
  started: Pick<StartedBackup, "major" | "fromStandby">,
  request: StopBackupRequest,
): Promise<StoppedBackup> {
  // Paths are bytes: in the encoding "none" the server sends them as they are.
  await session.query("SELECT pg_catalog.set_config('client_encoding', 'SQL_ASCII', false)");
  let row: StopRow;
  try {
    const rows = await session.query<StopRow>(stopQuestion(started.major), [request.waitForArchive], { timeoutMs: 0 });
    row = onlyRow(rows, "the backup's end");
  } catch (error) {
    throw await explainStop(session, started, error);
  }
  await session.query("SELECT pg_catalog.set_config('client_encoding', 'UTF8', false)");
  const labelText = Buffer.from(row.label).toString("utf8");
  return {
    stopLsn: parseLsn(row.lsn),
    timeline: row.timeline,
    labelText,
    label: parseBackupLabel(labelText),
    tablespaceMap: new Uint8Array(row.map),
    stoppedAt: new Date(row.at),
  };
}

/** xlog.c, do_pg_backup_start: longer than MAXPGPATH is refused, and a line's end would break the label's lines. */
export function assertBackupLabel(label: string): void {
  if (Buffer.byteLength(label, "utf8") <= 1024 && !/[\r\n\0]/.test(label)) return;
  throw new AppError("bad-request", { message: "a backup's label is one line of at most 1,024 bytes" });
}

/** A standby writes none; what it replays was written with enough, or it would not be one. */
export function assertWalForBackup(state: ActState): void {
  if (state.inRecovery || state.walLevel !== "minimal") return;
  throw new AppError("wal-level-minimal", {
    message: "a backup needs more WAL than wal_level = minimal writes",
    hint: "set wal_level = 'replica' and restart the server",
  });
}

const startMs = 3_600_000;

interface StartRow {
  readonly lsn: string;
  readonly timeline: number;
  readonly at: number;
}

interface StopRow {
  readonly lsn: string;
  readonly timeline: number;
  readonly label: Uint8Array;
  readonly map: Uint8Array;
  readonly at: number;
}

/** The timeline of the checkpoint the backup starts from: its own on a primary, the last restartpoint's on a standby. */
const startTimeline = "SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()";

/** A standby ends its backup at its minimum recovery point (xlog.c, do_pg_backup_stop). In the select list: after the stop. */
const stopTimeline = `
  SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN r.min_recovery_end_timeline ELSE c.timeline_id END
    FROM pg_catalog.pg_control_checkpoint() c, pg_catalog.pg_control_recovery() r`;

function stopQuestion(major: number): string {
  return `
    SELECT stop.lsn::text AS lsn, (${stopTimeline}) AS timeline,
           pg_catalog.textsend(stop.labelfile) AS label,
           pg_catalog.textsend(COALESCE(stop.spcmapfile, '')) AS map,
           ${serverClockMs} AS at
      FROM ${backupFunctions(major).stop} AS stop`;
}

/** The SQLSTATE of a promotion (55000) is that of other reasons too, so the server is asked what it is now. */
async function explainStop(
  session: SqlSession,
  started: Pick<StartedBackup, "fromStandby">,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof AppError)) return error;
  if (error.context.sqlState !== "55000" || !started.fromStandby) return error;
  if ((await readActState(session)).inRecovery) return error;
  return new AppError("standby-promoted", {
    message: "the standby was promoted while its backup was running, so the copy is of no use",
    hint: "nothing stored before is touched; take a new backup, of the new primary or of another standby",
    context: error.context,
    cause: error,
  });
}
