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
 * Holes in the mirrored WAL of each server, whichever of its repositories has a segment, oldest first: between segments of
 * one timeline, which one that was found damaged is not, and between where a timeline begins with us and the last segment of its ancestors before that. Only those
 * that matter: a restorable backup lies before them.
 */
export async function findHoles(prisma: PrismaClient, serverIds: readonly string[]): Promise<readonly WalHoleRow[]> {
  const rows = await prisma.$queryRaw<WalHoleRow[]>`
    WITH RECURSIVE segment AS (
      SELECT server_id, system_identifier, timeline, start_lsn, start_lsn + size_bytes AS end_lsn, last_commit_at,
             lag(start_lsn + size_bytes) OVER before AS from_lsn, lag(last_commit_at) OVER before AS at
        FROM wal_segment
       WHERE server_id = ANY(${[...serverIds]}::text[]) AND damage IS NULL
      WINDOW before AS (PARTITION BY server_id, system_identifier, timeline ORDER BY start_lsn)
    ), ancestor AS (
      SELECT server_id, system_identifier, timeline, switch_lsn AS begin_lsn, parent AS older, switch_lsn AS left_at
        FROM wal_timeline
       WHERE server_id = ANY(${[...serverIds]}::text[]) AND parent < timeline
      UNION ALL
      SELECT a.server_id, a.system_identifier, a.timeline, a.begin_lsn, t.parent, least(a.left_at, t.switch_lsn)
        FROM ancestor AS a
        JOIN wal_timeline AS t ON t.server_id = a.server_id AND t.system_identifier = a.system_identifier
                              AND t.timeline = a.older AND t.parent < t.timeline
    ), fork AS (
      SELECT DISTINCT ON (first.server_id, first.system_identifier, first.timeline)
             first.server_id, first.system_identifier, first.start_lsn, last.end_lsn AS from_lsn, last.last_commit_at AS at,
             CASE WHEN last.end_lsn < a.begin_lsn THEN last.timeline ELSE first.timeline END AS timeline
        FROM segment AS first
        JOIN ancestor AS a ON a.server_id = first.server_id AND a.system_identifier = first.system_identifier
                          AND a.timeline = first.timeline
        JOIN segment AS last ON last.server_id = a.server_id AND last.system_identifier = a.system_identifier
                            AND last.timeline = a.older AND last.start_lsn < a.left_at
       WHERE first.from_lsn IS NULL
       ORDER BY first.server_id, first.system_identifier, first.timeline, last.end_lsn DESC
    )
    SELECT s.server_id AS "serverId", s.system_identifier AS "systemIdentifier", s.timeline, s.from_lsn AS "fromLsn",
           s.start_lsn AS "toLsn", s.at
      FROM (SELECT server_id, system_identifier, timeline, from_lsn, start_lsn, at FROM segment
             UNION SELECT server_id, system_identifier, timeline, from_lsn, start_lsn, at FROM fork) AS s
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
