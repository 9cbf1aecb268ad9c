import type { PrismaClient } from "./generated/client.ts";

/** WAL of a server that its second repository lacks, although a backup lies there that it follows. */
export interface WalUncopiedRow {
  readonly serverId: string;
  readonly segments: number;
  readonly storedBytes: bigint;
  /** When the one that has waited longest was stored in the first. */
  readonly since: Date;
}

/** By what is mirrored of both repositories; a server without anything to be brought has no row. */
export async function findUncopied(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly WalUncopiedRow[]> {
  return await prisma.$queryRaw<WalUncopiedRow[]>`
    SELECT s.server_id AS "serverId", count(*)::int AS segments, sum(s.stored_bytes)::bigint AS "storedBytes",
           min(s.stored_at) AS since
      FROM server
      JOIN wal_segment AS s ON s.server_id = server.id AND s.repository_id = server.repository_id
      JOIN (SELECT b.server_id, c.repository_id, b.system_identifier, min(b.start_lsn) AS start_lsn
              FROM backup_copy AS c JOIN backup AS b ON b.id = c.backup_id
             WHERE c.gone_at IS NULL AND b.server_id = ANY(${[...serverIds]}::text[])
             GROUP BY 1, 2, 3) AS oldest
        ON oldest.server_id = s.server_id AND oldest.repository_id = server.copy_to_id
       AND oldest.system_identifier = s.system_identifier AND oldest.start_lsn < s.start_lsn + s.size_bytes
      LEFT JOIN wal_segment AS copy
        ON copy.server_id = s.server_id AND copy.repository_id = server.copy_to_id
       AND copy.system_identifier = s.system_identifier AND copy.timeline = s.timeline AND copy.start_lsn = s.start_lsn
     WHERE copy.server_id IS NULL
     GROUP BY s.server_id`;
}
