import type { PrismaClient } from "./generated/client.ts";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";

/** How far a server that pushes its WAL has written, or why it could not be asked. */
export interface PushedPosition {
  readonly serverId: string;
  readonly workerId: string;
  /** Null: it could not be asked. */
  readonly position: {
    readonly serverLsn: bigint;
    /** The end of what it pushed, and how long ago all it had written by then was among that; null: not known. */
    readonly archivedLsn: bigint | null;
    readonly caughtUpAgoMs: number | null;
  } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * Keeps it in the row that a receiver of the server would have, as nobody's who streams: `streaming` while it answers,
 * `waiting` while it does not. Only of a server that pushes; false otherwise.
 */
export async function writePushedPosition(prisma: PrismaClient, told: PushedPosition): Promise<boolean> {
  const { serverId, workerId, position, error } = told;
  const state = position === null ? "waiting" : "streaming";
  const written = await prisma.$executeRaw`
    INSERT INTO wal_receiver AS known
           (server_id, worker_id, fence, state, flushed_lsn, server_lsn, last_message_at, caught_up_at, reconnects, error_code,
            error_message)
    SELECT id, ${workerId}, 0, ${state}, ${lsnToColumn(position?.archivedLsn ?? null)}::bigint,
           ${lsnToColumn(position?.serverLsn ?? null)}::bigint,
           CASE WHEN ${position !== null} THEN clock_timestamp() END,
           clock_timestamp() - ${position?.caughtUpAgoMs ?? null}::float8 * interval '1 millisecond', 0,
           ${error?.code ?? null}::text, ${error?.message ?? null}::text
      FROM server WHERE id = ${serverId} AND wal_mode = 'push' AND removed_at IS NULL
    ON CONFLICT (server_id) DO UPDATE
       SET worker_id = excluded.worker_id, state = excluded.state,
           flushed_lsn = COALESCE(excluded.flushed_lsn, known.flushed_lsn),
           server_lsn = COALESCE(excluded.server_lsn, known.server_lsn),
           last_message_at = COALESCE(excluded.last_message_at, known.last_message_at),
           caught_up_at = GREATEST(excluded.caught_up_at, known.caught_up_at),
           error_code = excluded.error_code, error_message = excluded.error_message,
           state_since = CASE WHEN known.state = excluded.state THEN known.state_since ELSE clock_timestamp() END,
           updated_at = clock_timestamp()`;
  return written === 1;
}

/** The end of the newest segment of the newest timeline that is mirrored of a server; null: there is none. */
export async function findArchivedEnd(
  prisma: PrismaClient,
  serverId: string,
  systemIdentifier: string,
): Promise<bigint | null> {
  const rows = await prisma.$queryRaw<{ end: bigint }[]>`
    SELECT start_lsn + size_bytes AS "end" FROM wal_segment
     WHERE server_id = ${serverId} AND system_identifier = ${systemIdentifier}
     ORDER BY timeline DESC, start_lsn DESC LIMIT 1`;
  return lsnFromColumn(rows[0]?.end ?? null);
}
