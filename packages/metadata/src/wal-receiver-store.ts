import type { Prisma, PrismaClient } from "./generated/client.ts";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";
import { findArchivedEnd, type PushedPosition, writePushedPosition } from "./pushed-position.ts";
import { toCommit } from "./wal-segment-rows.ts";
import type { WalCommitRow } from "./wal-store.ts";

export type WalReceiverStateName = "connecting" | "streaming" | "catching-up" | "waiting" | "stopped";

/** How a receiver stands, as its worker tells. */
export interface WalReceiverReport {
  readonly serverId: string;
  readonly workerId: string;
  /** Of the lease `wal:<server id>` it receives under; a report with a lower one than the row's is dropped. */
  readonly fence: bigint;
  readonly state: WalReceiverStateName;
  readonly systemIdentifier: string | null;
  readonly timeline: number | null;
  readonly receivedLsn: bigint | null;
  readonly flushedLsn: bigint | null;
  readonly serverLsn: bigint | null;
  readonly lastCommit: WalCommitRow | null;
  readonly lastMessageAt: Date | null;
  /** How long ago everything the server had written was durable, in milliseconds; null: not since this receiver began. */
  readonly caughtUpAgoMs: number | null;
  readonly reconnects: number;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** The slot of a server's receiver as the server last told of it. */
export interface WalSlotReport {
  readonly serverId: string;
  /** `reserved`, `extended`, `unreserved`, `lost`; `missing`: there is no such slot. */
  readonly walStatus: string | null;
  readonly restartLsn: bigint | null;
  readonly safeBytes: bigint | null;
  readonly retainedBytes: bigint | null;
  /** Where the server's WAL ends now. */
  readonly serverLsn: bigint | null;
  readonly walBytesPerSecond: number | null;
  readonly fullAt: Date | null;
}

export interface WalReceiverRow extends Omit<WalReceiverReport, "workerId" | "caughtUpAgoMs"> {
  /** Null: no worker has it now. */
  readonly workerId: string | null;
  /** When everything the server had written was last durable with us; what is not is younger. By the database's clock. */
  readonly caughtUpAt: Date | null;
  readonly stateSince: Date;
  readonly updatedAt: Date;
  readonly slot: (Omit<WalSlotReport, "serverId" | "serverLsn"> & { readonly observedAt: Date }) | null;
}

export interface WalReceiverStore {
  /** False when another worker received since (a higher fence), or the server was removed: nothing was written. */
  report(report: WalReceiverReport): Promise<boolean>;
  /** Notes that nobody receives any more under this fence: the worker stopped, or gave the server back. */
  stopped(serverId: string, fence: bigint): Promise<void>;
  reportSlot(report: WalSlotReport): Promise<void>;
  /** Of a server that pushes: false when it does not. */
  reportPushed(position: PushedPosition): Promise<boolean>;
  /** The end of the newest segment of a server that is known to be stored; null: none is. */
  archivedEnd(serverId: string, systemIdentifier: string): Promise<bigint | null>;
  ofServers(serverIds: readonly string[]): Promise<readonly WalReceiverRow[]>;
}

export function createWalReceiverStore(prisma: PrismaClient): WalReceiverStore {
  return {
    report: (report) => writeReport(prisma, report),
    stopped: async (serverId, fence) => {
      await prisma.$executeRaw`
        UPDATE wal_receiver
           SET worker_id = NULL, state = 'stopped', updated_at = clock_timestamp(),
               state_since = CASE WHEN state = 'stopped' THEN state_since ELSE clock_timestamp() END
         WHERE server_id = ${serverId} AND fence <= ${fence}`;
    },
    reportSlot: async (slot) => {
      // A server whose receiver was never heard of has a slot all the same: its fence is below every lease's.
      await prisma.$executeRaw`
        INSERT INTO wal_receiver (server_id, fence, state, server_lsn, slot_observed_at, slot_wal_status, slot_restart_lsn,
                                  slot_safe_bytes, slot_retained_bytes, wal_bytes_per_second, slot_full_at)
        SELECT id, 0, 'stopped', ${lsnToColumn(slot.serverLsn)}::bigint, clock_timestamp(), ${slot.walStatus}::text,
               ${lsnToColumn(slot.restartLsn)}::bigint, ${slot.safeBytes}::bigint, ${slot.retainedBytes}::bigint,
               ${slot.walBytesPerSecond}::float8, ${slot.fullAt}::timestamptz
          FROM server WHERE id = ${slot.serverId} AND removed_at IS NULL
        ON CONFLICT (server_id) DO UPDATE
           SET server_lsn = GREATEST(wal_receiver.server_lsn, excluded.server_lsn),
               slot_observed_at = excluded.slot_observed_at, slot_wal_status = excluded.slot_wal_status,
               slot_restart_lsn = excluded.slot_restart_lsn, slot_safe_bytes = excluded.slot_safe_bytes,
               slot_retained_bytes = excluded.slot_retained_bytes,
               wal_bytes_per_second = excluded.wal_bytes_per_second, slot_full_at = excluded.slot_full_at`;
    },
    reportPushed: (position) => writePushedPosition(prisma, position),
    archivedEnd: (serverId, systemIdentifier) => findArchivedEnd(prisma, serverId, systemIdentifier),
    ofServers: async (serverIds) => {
      const rows = await prisma.walReceiver.findMany({ where: { serverId: { in: [...serverIds] } } });
      return rows.map(toRow);
    },
  };
}

async function writeReport(prisma: PrismaClient, report: WalReceiverReport): Promise<boolean> {
  const { serverId, workerId, fence, state, systemIdentifier, timeline, lastCommit, error } = report;
  const written = await prisma.$executeRaw`
    INSERT INTO wal_receiver AS known
           (server_id, worker_id, fence, state, system_identifier, timeline, received_lsn, flushed_lsn, server_lsn,
            last_commit_at, last_commit_lsn, last_commit_xid, last_message_at, caught_up_at, reconnects, error_code,
            error_message)
    SELECT id, ${workerId}, ${fence}, ${state}, ${systemIdentifier}::text, ${timeline}::int,
           ${lsnToColumn(report.receivedLsn)}::bigint, ${lsnToColumn(report.flushedLsn)}::bigint,
           ${lsnToColumn(report.serverLsn)}::bigint, ${lastCommit?.at ?? null}::timestamptz,
           ${lsnToColumn(lastCommit?.lsn ?? null)}::bigint, ${lastCommit?.xid ?? null}::bigint,
           ${report.lastMessageAt}::timestamptz,
           clock_timestamp() - ${report.caughtUpAgoMs}::float8 * interval '1 millisecond', ${report.reconnects},
           ${error?.code ?? null}::text, ${error?.message ?? null}::text
      FROM server WHERE id = ${serverId} AND removed_at IS NULL
    ON CONFLICT (server_id) DO UPDATE
       SET worker_id = excluded.worker_id, fence = excluded.fence, state = excluded.state,
           system_identifier = COALESCE(excluded.system_identifier, known.system_identifier),
           timeline = COALESCE(excluded.timeline, known.timeline),
           -- Of one timeline they say nothing about another.
           received_lsn = CASE WHEN excluded.timeline <> known.timeline THEN excluded.received_lsn
                               ELSE COALESCE(excluded.received_lsn, known.received_lsn) END,
           flushed_lsn = CASE WHEN excluded.timeline <> known.timeline THEN excluded.flushed_lsn
                              ELSE COALESCE(excluded.flushed_lsn, known.flushed_lsn) END,
           server_lsn = COALESCE(excluded.server_lsn, known.server_lsn),
           last_commit_at = COALESCE(excluded.last_commit_at, known.last_commit_at),
           last_commit_lsn = COALESCE(excluded.last_commit_lsn, known.last_commit_lsn),
           last_commit_xid = COALESCE(excluded.last_commit_xid, known.last_commit_xid),
           last_message_at = COALESCE(excluded.last_message_at, known.last_message_at),
           caught_up_at = COALESCE(excluded.caught_up_at, known.caught_up_at),
           reconnects = excluded.reconnects, error_code = excluded.error_code, error_message = excluded.error_message,
           state_since = CASE WHEN known.state = excluded.state THEN known.state_since ELSE clock_timestamp() END,
           updated_at = clock_timestamp()
     WHERE known.fence <= excluded.fence`;
  return written === 1;
}

function toRow(row: Prisma.WalReceiverGetPayload<object>): WalReceiverRow {
  const { slotObservedAt, errorCode, errorMessage } = row;
  return {
    serverId: row.serverId,
    workerId: row.workerId,
    fence: row.fence,
    state: row.state as WalReceiverStateName,
    systemIdentifier: row.systemIdentifier,
    timeline: row.timeline,
    receivedLsn: lsnFromColumn(row.receivedLsn),
    flushedLsn: lsnFromColumn(row.flushedLsn),
    serverLsn: lsnFromColumn(row.serverLsn),
    lastCommit: toCommit(row.lastCommitAt, row.lastCommitLsn, row.lastCommitXid),
    lastMessageAt: row.lastMessageAt,
    caughtUpAt: row.caughtUpAt,
    reconnects: row.reconnects,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? errorCode },
    stateSince: row.stateSince,
    updatedAt: row.updatedAt,
    slot:
      slotObservedAt === null
        ? null
        : {
            observedAt: slotObservedAt,
            walStatus: row.slotWalStatus,
            restartLsn: lsnFromColumn(row.slotRestartLsn),
            safeBytes: row.slotSafeBytes,
            retainedBytes: row.slotRetainedBytes,
            walBytesPerSecond: row.walBytesPerSecond,
            fullAt: row.slotFullAt,
          },
  };
}
