import type { PrismaClient } from "./generated/client.ts";

/** WAL that is missing between segments that are there, behind a backup that is kept. */
export interface WalHoleRow {
  readonly serverId: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  /** The last commit before it, by the server's clock; null when none is known. */
  readonly at: Date | null;
}

/**
 * Holes in the mirrored WAL of each server, whichever of its repositories has a segment, oldest first. Only those that
 * matter: a restorable backup lies before them.
 */
export async function findHoles(prisma: PrismaClient, serverIds: readonly string[]): Promise<readonly WalHoleRow[]> {
  const rows = await prisma.$queryRaw<WalHoleRow[]>`
    SELECT s.server_id AS "serverId", s.system_identifier AS "systemIdentifier", s.timeline, s.from_lsn AS "fromLsn",
           s.start_lsn AS "toLsn", s.at
      FROM (SELECT server_id, system_identifier, timeline, start_lsn,
                   lag(start_lsn + size_bytes) OVER before AS from_lsn, lag(last_commit_at) OVER before AS at
              FROM wal_segment
             WHERE server_id = ANY(${[...serverIds]}::text[])
            WINDOW before AS (PARTITION BY server_id, system_identifier, timeline ORDER BY start_lsn)) AS s
     WHERE s.start_lsn > s.from_lsn
       AND EXISTS (SELECT 1 FROM backup AS b
                    WHERE b.server_id = s.server_id AND b.state = 'restorable'
                      AND b.system_identifier = s.system_identifier AND b.stop_lsn <= s.from_lsn)
     ORDER BY s.server_id, s.system_identifier, s.start_lsn, s.timeline`;
  return rows.map((row) => ({
    ...row,
    fromLsn: BigInt.asUintN(64, row.fromLsn),
    toLsn: BigInt.asUintN(64, row.toLsn),
  }));
}
