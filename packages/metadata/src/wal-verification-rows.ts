import type { PrismaClient } from "./generated/client.ts";
import { lsnToColumn } from "./lsn-column.ts";
import type { WalSegmentKey } from "./wal-store.ts";

/** What a verification found of one mirrored segment. */
export interface WalVerdictRow extends WalSegmentKey {
  /** Opened, and its records followed; false: its bytes are those that were stored, which clears no damage. */
  readonly isWhole: boolean;
  /** Null: sound. */
  readonly damage: string | null;
}

/** A mirrored segment that was found damaged and not found sound since. */
export interface DamagedWalRow extends WalSegmentKey {
  readonly sizeBytes: number;
  readonly damage: string;
  /** Another repository of the server has it, and nobody found it damaged there. */
  readonly isElsewhere: boolean;
}

/** How much of a server's archived WAL in one repository is known to be sound. */
export interface WalCoverageRow {
  readonly serverId: string;
  readonly repositoryId: string;
  readonly segments: number;
  readonly storedBytes: bigint;
  readonly verifiedSegments: number;
  readonly verifiedBytes: bigint;
  readonly damagedSegments: number;
  /** The oldest verification that counts; null: none does. */
  readonly since: Date | null;
}

/** One statement for all. What is told twice counts as it was told last; a segment without a row is nobody's. */
export async function writeVerdicts(prisma: PrismaClient, verdicts: readonly WalVerdictRow[], at: Date): Promise<void> {
  if (verdicts.length === 0) return;
  const unique = new Map(verdicts.map((verdict) => [keyText(verdict), verdict]));
  const rows = JSON.stringify(
    [...unique.values()].map((verdict) => ({
      repository_id: verdict.repositoryId,
      server_id: verdict.serverId,
      system_identifier: verdict.systemIdentifier,
      timeline: verdict.timeline,
      start_lsn: String(lsnToColumn(verdict.startLsn)),
      is_whole: verdict.isWhole,
      damage: verdict.damage,
    })),
  );
  await prisma.$executeRaw`
    UPDATE wal_segment AS s
       SET verified_at = CASE WHEN n.damage IS NOT NULL THEN NULL WHEN n.is_whole THEN ${at} ELSE s.verified_at END,
           damage = CASE WHEN n.damage IS NOT NULL THEN n.damage WHEN n.is_whole THEN NULL ELSE s.damage END
      FROM jsonb_to_recordset(${rows}::jsonb)
             AS n(repository_id text, server_id text, system_identifier text, timeline int, start_lsn bigint,
                  is_whole boolean, damage text)
     WHERE s.server_id = n.server_id AND s.repository_id = n.repository_id
       AND s.system_identifier = n.system_identifier AND s.timeline = n.timeline AND s.start_lsn = n.start_lsn`;
}

/** Oldest first within each timeline. */
export async function damagedSegments(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly DamagedWalRow[]> {
  const rows = await prisma.$queryRaw<DamagedWalRow[]>`
    SELECT s.server_id AS "serverId", s.repository_id AS "repositoryId", s.system_identifier AS "systemIdentifier",
           s.timeline, s.start_lsn AS "startLsn", s.size_bytes AS "sizeBytes", s.damage,
           EXISTS (SELECT 1 FROM wal_segment AS o
                    WHERE o.server_id = s.server_id AND o.system_identifier = s.system_identifier
                      AND o.timeline = s.timeline AND o.start_lsn = s.start_lsn AND o.damage IS NULL) AS "isElsewhere"
      FROM wal_segment AS s
     WHERE s.server_id = ANY(${[...serverIds]}::text[]) AND s.damage IS NOT NULL
     ORDER BY s.server_id, s.system_identifier, s.timeline, s.start_lsn, s.repository_id`;
  return rows.map((row) => ({ ...row, startLsn: BigInt.asUintN(64, row.startLsn) }));
}

/** By server and repository; none where nothing is archived. */
export async function walCoverage(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly WalCoverageRow[]> {
  return await prisma.$queryRaw<WalCoverageRow[]>`
    SELECT server_id AS "serverId", repository_id AS "repositoryId", count(*)::int AS segments,
           sum(stored_bytes)::bigint AS "storedBytes", count(verified_at)::int AS "verifiedSegments",
           coalesce(sum(stored_bytes) FILTER (WHERE verified_at IS NOT NULL), 0)::bigint AS "verifiedBytes",
           count(damage)::int AS "damagedSegments", min(verified_at) AS since
      FROM wal_segment WHERE server_id = ANY(${[...serverIds]}::text[])
     GROUP BY 1, 2 ORDER BY 1, 2`;
}

/** Segments of a repository that were found sound at or after an instant. */
export async function soundSince(
  prisma: PrismaClient,
  { serverId, repositoryId }: { readonly serverId: string; readonly repositoryId: string },
  since: Date,
): Promise<readonly WalSegmentKey[]> {
  const rows = await prisma.walSegment.findMany({
    where: { serverId, repositoryId, verifiedAt: { gte: since } },
    select: { serverId: true, repositoryId: true, systemIdentifier: true, timeline: true, startLsn: true },
  });
  return rows.map((row) => ({ ...row, startLsn: BigInt.asUintN(64, row.startLsn) }));
}

function keyText({ serverId, repositoryId, systemIdentifier, timeline, startLsn }: WalSegmentKey): string {
  return `${serverId} ${repositoryId} ${systemIdentifier} ${timeline} ${startLsn}`;
}
