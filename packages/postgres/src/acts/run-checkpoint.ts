import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { Asker } from "../server/asker.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { type ActOptions, act, onlyRow } from "./act-outcome.ts";

/** The checkpoint that stands in pg_control after ours: ours, or one that finished still later. */
export interface CheckpointResult {
  /** Of the checkpoint record. */
  readonly lsn: Lsn;
  /** Where recovery from it begins. */
  readonly redoLsn: Lsn;
  readonly timeline: number;
  /** On a standby CHECKPOINT makes a restartpoint, from the last checkpoint of its primary it has replayed. */
  readonly isRestartpoint: boolean;
}

/**
 * Runs CHECKPOINT to its end, at full speed, and reads what it left.
 *
 * Privilege: superuser on 13 and 14; from 15 on the role `pg_checkpoint` (utility.c, standard_ProcessUtility).
 *
 * @throws AppError `privilege-missing`; `server-error` when it takes longer than `timeoutMs` (600,000 unless given; the
 * server's checkpointer goes on with it then).
 */
export async function runCheckpoint(session: SqlSession, options: ActOptions = {}): Promise<CheckpointResult> {
  await act("the checkpoint", () =>
    session.query("CHECKPOINT", [], { ...options, timeoutMs: options.timeoutMs ?? checkpointMs }),
  );
  return await readLastCheckpoint(session);
}

/** The checkpoint that stands in pg_control now; on a standby its last restartpoint. Needs: any login. */
export async function readLastCheckpoint(session: Asker): Promise<CheckpointResult> {
  const row = onlyRow(await session.query<CheckpointRow>(checkpointQuestion), "the last checkpoint");
  return {
    lsn: parseLsn(row.lsn),
    redoLsn: parseLsn(row.redo_lsn),
    timeline: row.timeline,
    isRestartpoint: row.in_recovery,
  };
}

const checkpointMs = 600_000;

interface CheckpointRow {
  readonly lsn: string;
  readonly redo_lsn: string;
  readonly timeline: number;
  readonly in_recovery: boolean;
}

const checkpointQuestion = `
  SELECT checkpoint_lsn::text AS lsn, redo_lsn::text AS redo_lsn, timeline_id AS timeline,
         pg_catalog.pg_is_in_recovery() AS in_recovery
    FROM pg_catalog.pg_control_checkpoint()`;
