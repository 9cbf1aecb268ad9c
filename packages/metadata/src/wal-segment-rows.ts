import type { Prisma, PrismaClient } from "./generated/client.ts";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";
import type {
  NewWalSegment,
  RestorePointRow,
  WalCommitRow,
  WalSegmentKey,
  WalSegmentRow,
  WalSource,
  WalSummary,
} from "./wal-store.ts";

/** Which segments; what is left out is not asked for. `from` and `to` are LSNs: segments that overlap [from, to). */
export interface SegmentFilter {
  readonly serverId: string;
  readonly repositoryId?: string;
  readonly systemIdentifier?: string;
  readonly timeline?: number;
  readonly from?: bigint;
  readonly to?: bigint;
  /** Without those that a verification found damaged. Default: with them. */
  readonly onlySound?: boolean;
}

/** One statement for all: a receiver that catches up stores dozens a second. */
export async function writeSegments(prisma: PrismaClient, segments: readonly NewWalSegment[]): Promise<void> {
  if (segments.length === 0) return;
  // Twice the same in one statement is an error of ON CONFLICT: the later one counts.
  const unique = new Map(segments.map((segment) => [keyText(segment), segment]));
  const rows = JSON.stringify([...unique.values()].map(toJson));
  await prisma.$executeRaw`
    INSERT INTO wal_segment (repository_id, server_id, system_identifier, timeline, start_lsn, size_bytes, stored_bytes,
                             first_commit_at, first_commit_lsn, first_commit_xid,
                             last_commit_at, last_commit_lsn, last_commit_xid,
                             commit_count, restore_points, last_record_end, source, stored_at)
    SELECT n.repository_id, n.server_id, n.system_identifier, n.timeline, n.start_lsn, n.size_bytes, n.stored_bytes,
           n.first_commit_at, n.first_commit_lsn, n.first_commit_xid, n.last_commit_at, n.last_commit_lsn, n.last_commit_xid,
           n.commit_count, n.restore_points, n.last_record_end, n.source, COALESCE(n.stored_at, clock_timestamp())
      FROM jsonb_to_recordset(${rows}::jsonb)
             AS n(repository_id text, server_id text, system_identifier text, timeline int, start_lsn bigint,
                  size_bytes int, stored_bytes bigint, first_commit_at timestamptz, first_commit_lsn bigint,
                  first_commit_xid bigint, last_commit_at timestamptz, last_commit_lsn bigint, last_commit_xid bigint,
                  commit_count int, restore_points jsonb, last_record_end bigint, source text, stored_at timestamptz)
      JOIN server ON server.id = n.server_id
      JOIN repository ON repository.id = n.repository_id
    ON CONFLICT (server_id, repository_id, system_identifier, timeline, start_lsn) DO UPDATE
       SET size_bytes = excluded.size_bytes, stored_bytes = excluded.stored_bytes,
           first_commit_at = excluded.first_commit_at, first_commit_lsn = excluded.first_commit_lsn,
           first_commit_xid = excluded.first_commit_xid, last_commit_at = excluded.last_commit_at,
           last_commit_lsn = excluded.last_commit_lsn, last_commit_xid = excluded.last_commit_xid,
           commit_count = excluded.commit_count, restore_points = excluded.restore_points,
           last_record_end = excluded.last_record_end`;
}

export async function segmentsOf(prisma: PrismaClient, filter: SegmentFilter): Promise<readonly WalSegmentRow[]> {
  const { serverId, repositoryId, systemIdentifier, timeline, from, to, onlySound = false } = filter;
  const rows = await prisma.walSegment.findMany({
    where: {
      serverId,
      ...(repositoryId === undefined ? {} : { repositoryId }),
      ...(systemIdentifier === undefined ? {} : { systemIdentifier }),
      ...(timeline === undefined ? {} : { timeline }),
      ...(onlySound ? { damage: null } : {}),
      // A segment is at most 1 GiB (PostgreSQL's wal_segment_size): what begins further before cannot reach `from`.
      ...(from === undefined && to === undefined
        ? {}
        : {
            startLsn: {
              ...(from === undefined ? {} : { gt: lsnToColumn(from > largestSegment ? from - largestSegment : -1n) }),
              ...(to === undefined ? {} : { lt: lsnToColumn(to) }),
            },
          }),
    },
    orderBy: [{ systemIdentifier: "asc" }, { timeline: "asc" }, { startLsn: "asc" }, { repositoryId: "asc" }],
    select: segmentColumns,
  });
  return rows.map(toRow).filter((row) => from === undefined || row.startLsn + BigInt(row.sizeBytes) > from);
}

const largestSegment = 1n << 30n;

export async function summarizeSegments(
  prisma: PrismaClient,
  serverIds: readonly string[],
): Promise<readonly WalSummary[]> {
  const rows = await prisma.$queryRaw<WalSummary[]>`
    SELECT server_id AS "serverId", repository_id AS "repositoryId", system_identifier AS "systemIdentifier", timeline,
           count(*)::int AS segments, sum(stored_bytes)::bigint AS "storedBytes", min(start_lsn) AS "firstLsn",
           max(start_lsn + size_bytes) AS "endLsn"
      FROM wal_segment WHERE server_id = ANY(${[...serverIds]}::text[])
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4`;
  return rows.map((row) => ({
    ...row,
    firstLsn: BigInt.asUintN(64, row.firstLsn),
    endLsn: BigInt.asUintN(64, row.endLsn),
  }));
}

export async function removeSegments(prisma: PrismaClient, keys: readonly WalSegmentKey[]): Promise<number> {
  if (keys.length === 0) return 0;
  const rows = JSON.stringify(keys.map(keyColumns));
  return await prisma.$executeRaw`
    DELETE FROM wal_segment USING jsonb_to_recordset(${rows}::jsonb)
             AS gone(repository_id text, server_id text, system_identifier text, timeline int, start_lsn bigint)
     WHERE wal_segment.server_id = gone.server_id AND wal_segment.repository_id = gone.repository_id
       AND wal_segment.system_identifier = gone.system_identifier AND wal_segment.timeline = gone.timeline
       AND wal_segment.start_lsn = gone.start_lsn`;
}

const segmentColumns = {
  serverId: true,
  repositoryId: true,
  systemIdentifier: true,
  timeline: true,
  startLsn: true,
  sizeBytes: true,
  storedBytes: true,
  firstCommitAt: true,
  firstCommitLsn: true,
  firstCommitXid: true,
  lastCommitAt: true,
  lastCommitLsn: true,
  lastCommitXid: true,
  commitCount: true,
  restorePoints: true,
  lastRecordEnd: true,
  source: true,
  storedAt: true,
} satisfies Prisma.WalSegmentSelect;

function toRow(row: Prisma.WalSegmentGetPayload<{ select: typeof segmentColumns }>): WalSegmentRow {
  const points = row.restorePoints as unknown as readonly { name: string; at: string; lsn: string }[];
  return {
    serverId: row.serverId,
    repositoryId: row.repositoryId,
    systemIdentifier: row.systemIdentifier,
    timeline: row.timeline,
    startLsn: BigInt.asUintN(64, row.startLsn),
    sizeBytes: row.sizeBytes,
    storedBytes: row.storedBytes,
    firstCommit: toCommit(row.firstCommitAt, row.firstCommitLsn, row.firstCommitXid),
    lastCommit: toCommit(row.lastCommitAt, row.lastCommitLsn, row.lastCommitXid),
    commitCount: row.commitCount,
    restorePoints: points.map(({ name, at, lsn }) => ({ name, at: new Date(at), lsn: BigInt(lsn) })),
    lastRecordEnd: lsnFromColumn(row.lastRecordEnd),
    source: row.source as WalSource,
    storedAt: row.storedAt,
  };
}

export function toCommit(at: Date | null, lsn: bigint | null, xid: bigint | null): WalCommitRow | null {
  return at === null || lsn === null || xid === null ? null : { at, lsn: BigInt.asUintN(64, lsn), xid: Number(xid) };
}

function keyText({ serverId, repositoryId, systemIdentifier, timeline, startLsn }: WalSegmentKey): string {
  return `${serverId} ${repositoryId} ${systemIdentifier} ${timeline} ${startLsn}`;
}

function keyColumns(key: WalSegmentKey) {
  return {
    repository_id: key.repositoryId,
    server_id: key.serverId,
    system_identifier: key.systemIdentifier,
    timeline: key.timeline,
    start_lsn: String(lsnToColumn(key.startLsn)),
  };
}

function toJson(segment: NewWalSegment) {
  const { firstCommit, lastCommit } = segment;
  return {
    ...keyColumns(segment),
    size_bytes: segment.sizeBytes,
    stored_bytes: String(segment.storedBytes),
    first_commit_at: firstCommit?.at ?? null,
    first_commit_lsn: columnText(firstCommit?.lsn),
    first_commit_xid: firstCommit?.xid ?? null,
    last_commit_at: lastCommit?.at ?? null,
    last_commit_lsn: columnText(lastCommit?.lsn),
    last_commit_xid: lastCommit?.xid ?? null,
    commit_count: segment.commitCount,
    restore_points: segment.restorePoints.map(pointJson),
    last_record_end: columnText(segment.lastRecordEnd),
    source: segment.source,
    stored_at: segment.storedAt ?? null,
  };
}

function pointJson({ name, at, lsn }: RestorePointRow) {
  return { name, at: at.toISOString(), lsn: String(lsn) };
}

function columnText(lsn: bigint | null | undefined): string | null {
  return lsn === null || lsn === undefined ? null : String(lsnToColumn(lsn));
}
