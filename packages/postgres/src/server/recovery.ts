import { AppError } from "@tidemark/kit";
import type { Lsn } from "../files/lsn.ts";
import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";
import { instantOf, lsnOf, msOf } from "./column-values.ts";

/** How a standby (or a server in archive recovery) follows. */
export interface RecoveryState {
  /** Received by streaming and flushed; null when nothing was streamed since the start. */
  readonly receivedLsn: Lsn | null;
  readonly replayedLsn: Lsn | null;
  /** When the last replayed transaction committed, by the primary's clock. */
  readonly replayedAt: Date | null;
  readonly isPaused: boolean;
  /** 14+ (pg_get_wal_replay_pause_state): asked for is not yet paused. Null on 13. */
  readonly pauseState: "not paused" | "pause requested" | "paused" | null;
  /** Null when nothing streams: WAL comes from an archive, or the primary is not reached. */
  readonly receiver: WalReceiver | null;
  /** Where replay must have come for the data directory to be consistent (pg_control); null once it was passed. */
  readonly minRecoveryLsn: Lsn | null;
  readonly minRecoveryTimeline: number | null;
}

/** The server's own WAL receiver. All but `pid` is null without pg_read_all_stats. */
export interface WalReceiver {
  readonly pid: number;
  /** starting, streaming, waiting, restarting, stopping (connecting from 19). */
  readonly status: string | null;
  readonly senderHost: string | null;
  readonly senderPort: number | null;
  /** The slot it streams from at the sender. */
  readonly slotName: string | null;
  readonly writtenLsn: Lsn | null;
  readonly flushedLsn: Lsn | null;
  readonly timeline: number | null;
  /** The end of WAL last reported by the sender, and when. */
  readonly latestEndLsn: Lsn | null;
  readonly latestEndAt: Date | null;
  readonly lastMessageSentAt: Date | null;
  readonly lastMessageReceivedAt: Date | null;
}

/**
 * Null on a primary.
 *
 * Needs: any login; pg_read_all_stats for the receiver (walreceiver.c, pg_stat_get_wal_receiver).
 */
export async function readRecovery(asker: Asker, known?: AskingRole): Promise<RecoveryState | null> {
  const role = known ?? (await readAskingRole(asker));
  const [row] = await asker.query<RecoveryRow>(recoveryQuestion(role));
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server did not say if it recovers" });
  if (!row.in_recovery) return null;
  const minRecoveryLsn = lsnOf(row.min_lsn);
  return {
    receivedLsn: lsnOf(row.received_lsn),
    replayedLsn: lsnOf(row.replayed_lsn),
    replayedAt: instantOf(row.replayed_ms),
    isPaused: row.is_paused === true,
    pauseState: row.pause_state,
    receiver: row.pid === null ? null : receiverOf(row, row.pid),
    // pg_control keeps zeros while there is no such point.
    minRecoveryLsn: minRecoveryLsn === 0n ? null : minRecoveryLsn,
    minRecoveryTimeline: row.min_timeline === 0 ? null : row.min_timeline,
  };
}

function receiverOf(row: RecoveryRow, pid: number): WalReceiver {
  return {
    pid,
    status: row.status,
    senderHost: row.sender_host,
    senderPort: row.sender_port,
    slotName: row.slot_name === "" ? null : row.slot_name,
    writtenLsn: lsnOf(row.written_lsn),
    flushedLsn: lsnOf(row.flushed_lsn),
    timeline: row.received_tli,
    latestEndLsn: lsnOf(row.latest_end_lsn),
    latestEndAt: instantOf(row.latest_end_ms),
    lastMessageSentAt: instantOf(row.sent_ms),
    lastMessageReceivedAt: instantOf(row.received_ms),
  };
}

interface RecoveryRow {
  readonly in_recovery: boolean;
  readonly received_lsn: string | null;
  readonly replayed_lsn: string | null;
  readonly replayed_ms: number | null;
  readonly is_paused: boolean | null;
  readonly pause_state: RecoveryState["pauseState"];
  readonly min_lsn: string | null;
  readonly min_timeline: number | null;
  readonly pid: number | null;
  readonly status: string | null;
  readonly sender_host: string | null;
  readonly sender_port: number | null;
  readonly slot_name: string | null;
  readonly written_lsn: string | null;
  readonly flushed_lsn: string | null;
  readonly received_tli: number | null;
  readonly latest_end_lsn: string | null;
  readonly latest_end_ms: number | null;
  readonly sent_ms: number | null;
  readonly received_ms: number | null;
}

/** The pause functions are errors outside recovery. 13 has the receiver's columns of today (12 had received_lsn). */
function recoveryQuestion({ major, readsControl }: AskingRole): string {
  const pauseState = "CASE WHEN r.in_recovery THEN pg_catalog.pg_get_wal_replay_pause_state() END";
  const control = "pg_catalog.pg_control_recovery()";
  const noControl = "(SELECT NULL::pg_lsn AS min_recovery_end_lsn, NULL::int4 AS min_recovery_end_timeline)";
  return `
  SELECT r.in_recovery,
         pg_catalog.pg_last_wal_receive_lsn()::text AS received_lsn,
         pg_catalog.pg_last_wal_replay_lsn()::text AS replayed_lsn,
         ${msOf("pg_catalog.pg_last_xact_replay_timestamp()")} AS replayed_ms,
         CASE WHEN r.in_recovery THEN pg_catalog.pg_is_wal_replay_paused() END AS is_paused,
         ${major >= 14 ? pauseState : "NULL"} AS pause_state,
         c.min_recovery_end_lsn::text AS min_lsn,
         c.min_recovery_end_timeline AS min_timeline,
         w.pid, w.status, w.sender_host, w.sender_port, w.slot_name, w.received_tli,
         w.written_lsn::text AS written_lsn,
         w.flushed_lsn::text AS flushed_lsn,
         w.latest_end_lsn::text AS latest_end_lsn,
         ${msOf("w.latest_end_time")} AS latest_end_ms,
         ${msOf("w.last_msg_send_time")} AS sent_ms,
         ${msOf("w.last_msg_receipt_time")} AS received_ms
    FROM (SELECT pg_catalog.pg_is_in_recovery() AS in_recovery OFFSET 0) r
   CROSS JOIN ${readsControl ? control : noControl} c
    LEFT JOIN pg_catalog.pg_stat_wal_receiver w ON true`;
}
