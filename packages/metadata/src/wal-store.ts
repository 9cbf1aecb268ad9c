import { newId } from "@tidemark/kit";
import type { PrismaClient } from "./generated/client.ts";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";
import { createWalFileDamageStore, type WalFileDamageStore } from "./wal-file-damage.ts";
import { findHoles, type WalHoleRow } from "./wal-holes.ts";
import {
  removeSegments,
  type SegmentFilter,
  segmentsOf,
  summarizeSegments,
  writeSegments,
} from "./wal-segment-rows.ts";
import { findUncopied, type WalUncopiedRow } from "./wal-uncopied.ts";
import {
  type DamagedWalRow,
  damagedSegments,
  soundSince,
  type WalCoverageRow,
  type WalVerdictRow,
  walCoverage,
  writeVerdicts,
} from "./wal-verification-rows.ts";

/** A commit that was read from the WAL: when by the server's clock, the end of its record, and whose. */
export interface WalCommitRow {
  readonly at: Date;
  readonly lsn: bigint;
  readonly xid: number;
}

export interface RestorePointRow {
  readonly name: string;
  readonly at: Date;
  readonly lsn: bigint;
}

/** Names a WAL segment of a server in one repository. */
export interface WalSegmentKey {
  readonly serverId: string;
  readonly repositoryId: string;
  /** Decimal text of the u64. */
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly startLsn: bigint;
}

export type WalSource = "stream" | "push" | "copy";

/** Mirror of one whole segment in a repository. */
export interface WalSegmentRow extends WalSegmentKey {
  readonly sizeBytes: number;
  readonly storedBytes: bigint;
  readonly firstCommit: WalCommitRow | null;
  readonly lastCommit: WalCommitRow | null;
  /** Null where the segment was not read. */
  readonly commitCount: number | null;
  readonly restorePoints: readonly RestorePointRow[];
  readonly lastRecordEnd: bigint | null;
  readonly source: WalSource;
  readonly storedAt: Date;
}

/** `storedAt` left out: now, by the database's clock. */
export type NewWalSegment = Omit<WalSegmentRow, "storedAt"> & { readonly storedAt?: Date };

export interface WalTimelineRow {
  readonly serverId: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  /** Null for a timeline without a history: the first one. */
  readonly parent: number | null;
  readonly switchLsn: bigint | null;
  /** The history file as the server gave it; empty for a first timeline. */
  readonly history: string;
}

export interface WalGapRow {
  readonly id: string;
  readonly serverId: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly fromLsn: bigint;
  /** Where WAL is with us again. */
  readonly toLsn: bigint;
  /** A sentence. */
  readonly cause: string;
  readonly foundAt: Date;
  /** The backup begun because of it; null: none yet. */
  readonly runId: string | null;
}

export type NewWalGap = Omit<WalGapRow, "id" | "foundAt" | "runId">;

/** Totals over what is mirrored of one server, system identifier, timeline and repository. */
export interface WalSummary {
  readonly serverId: string;
  readonly repositoryId: string;
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly segments: number;
  readonly storedBytes: bigint;
  readonly firstLsn: bigint;
  /** End of the newest segment. */
  readonly endLsn: bigint;
}

/** What is known of WAL in repositories: mirrors of what is there, timelines, and gaps that will stay. */
export interface WalStore extends WalFileDamageStore {
  /** Idempotent: a segment that is known already is brought up to date. At most a few thousand at once. */
  recordSegments(segments: readonly NewWalSegment[]): Promise<void>;
  /** By system identifier, timeline and start. */
  segments(filter: SegmentFilter): Promise<readonly WalSegmentRow[]>;
  /** The same without what is in them: of all of a repository, for a comparison. */
  segmentKeys(filter: { readonly serverId: string; readonly repositoryId: string }): Promise<readonly WalSegmentKey[]>;
  summary(serverIds: readonly string[]): Promise<readonly WalSummary[]>;
  /** Forgets segments that are not in the repository any more; gives how many rows went. */
  forgetSegments(keys: readonly WalSegmentKey[]): Promise<number>;
  /** Missing stretches behind kept backups, as the mirrored segments show them. */
  holes(serverIds: readonly string[]): Promise<readonly WalHoleRow[]>;
  /** What second repositories lack. */
  uncopied(serverIds: readonly string[]): Promise<readonly WalUncopiedRow[]>;
  recordTimeline(timeline: WalTimelineRow): Promise<void>;
  timelines(serverIds: readonly string[]): Promise<readonly WalTimelineRow[]>;
  /** The same gap told again (same beginning) keeps its id; its end and cause are brought up to date. */
  recordGap(gap: NewWalGap): Promise<WalGapRow>;
  gaps(serverIds: readonly string[]): Promise<readonly WalGapRow[]>;
  setGapRun(gapId: string, runId: string): Promise<void>;
  /** A gap whose WAL is there after all. False: nobody knew of it. */
  forgetGap(gap: Pick<WalGapRow, "serverId" | "systemIdentifier" | "timeline" | "fromLsn">): Promise<boolean>;
  /** What a verification found, at most a few thousand segments at once. */
  recordVerdicts(verdicts: readonly WalVerdictRow[], at: Date): Promise<void>;
  damaged(serverIds: readonly string[]): Promise<readonly DamagedWalRow[]>;
  coverage(serverIds: readonly string[]): Promise<readonly WalCoverageRow[]>;
  soundSince(
    place: { readonly serverId: string; readonly repositoryId: string },
    since: Date,
  ): Promise<readonly WalSegmentKey[]>;
}

export function createWalStore(prisma: PrismaClient): WalStore {
  return {
    recordSegments: (segments) => writeSegments(prisma, segments),
    segments: (filter) => segmentsOf(prisma, filter),
    segmentKeys: async ({ serverId, repositoryId }) => {
      const rows = await prisma.walSegment.findMany({
        where: { serverId, repositoryId },
        select: { serverId: true, repositoryId: true, systemIdentifier: true, timeline: true, startLsn: true },
      });
      return rows.map((row) => ({ ...row, startLsn: BigInt.asUintN(64, row.startLsn) }));
    },
    summary: (serverIds) => summarizeSegments(prisma, serverIds),
    holes: (serverIds) => findHoles(prisma, serverIds),
    uncopied: (serverIds) => findUncopied(prisma, serverIds),
    forgetSegments: (keys) => removeSegments(prisma, keys),
    recordTimeline: async ({ serverId, systemIdentifier, timeline, parent, switchLsn, history }) => {
      await prisma.$executeRaw`
        INSERT INTO wal_timeline (server_id, system_identifier, timeline, parent, switch_lsn, history)
        SELECT id, ${systemIdentifier}, ${timeline}, ${parent}::int, ${lsnToColumn(switchLsn)}::bigint, ${history}
          FROM server WHERE id = ${serverId}
        ON CONFLICT (server_id, system_identifier, timeline) DO UPDATE
           SET parent = COALESCE(excluded.parent, wal_timeline.parent),
               switch_lsn = COALESCE(excluded.switch_lsn, wal_timeline.switch_lsn),
               history = CASE WHEN excluded.history = '' THEN wal_timeline.history ELSE excluded.history END`;
    },
    timelines: async (serverIds) => {
      const rows = await prisma.walTimeline.findMany({
        where: { serverId: { in: [...serverIds] } },
        orderBy: [{ serverId: "asc" }, { systemIdentifier: "asc" }, { timeline: "asc" }],
        select: {
          serverId: true,
          systemIdentifier: true,
          timeline: true,
          parent: true,
          switchLsn: true,
          history: true,
        },
      });
      return rows.map((row) => ({ ...row, switchLsn: lsnFromColumn(row.switchLsn) }));
    },
    recordGap: (gap) => recordGap(prisma, gap),
    gaps: async (serverIds) => {
      const rows = await prisma.walGap.findMany({
        where: { serverId: { in: [...serverIds] } },
        orderBy: [{ foundAt: "asc" }, { id: "asc" }],
        select: gapColumns,
      });
      return rows.map(toGap);
    },
    setGapRun: async (gapId, runId) => {
      await prisma.walGap.updateMany({ where: { id: gapId }, data: { runId } });
    },
    forgetGap: async ({ serverId, systemIdentifier, timeline, fromLsn }) => {
      const where = { serverId, systemIdentifier, timeline, fromLsn: lsnToColumn(fromLsn) };
      return (await prisma.walGap.deleteMany({ where })).count > 0;
    },
    recordVerdicts: (verdicts, at) => writeVerdicts(prisma, verdicts, at),
    damaged: (serverIds) => damagedSegments(prisma, serverIds),
    coverage: (serverIds) => walCoverage(prisma, serverIds),
    soundSince: (place, since) => soundSince(prisma, place, since),
    ...createWalFileDamageStore(prisma),
  };
}

const gapColumns = {
  id: true,
  serverId: true,
  systemIdentifier: true,
  timeline: true,
  fromLsn: true,
  toLsn: true,
  cause: true,
  foundAt: true,
  runId: true,
} as const;

async function recordGap(prisma: PrismaClient, gap: NewWalGap): Promise<WalGapRow> {
  const { serverId, systemIdentifier, timeline, cause } = gap;
  const fromLsn = lsnToColumn(gap.fromLsn);
  const key = { serverId, systemIdentifier, timeline, fromLsn };
  await prisma.$executeRaw`
    INSERT INTO wal_gap (id, server_id, system_identifier, timeline, from_lsn, to_lsn, cause)
    VALUES (${newId("gap")}, ${serverId}, ${systemIdentifier}, ${timeline}, ${fromLsn}, ${lsnToColumn(gap.toLsn)}, ${cause})
    ON CONFLICT (server_id, system_identifier, timeline, from_lsn) DO UPDATE
       SET to_lsn = GREATEST(wal_gap.to_lsn, excluded.to_lsn), cause = excluded.cause`;
  const where = { serverId_systemIdentifier_timeline_fromLsn: key };
  return toGap(await prisma.walGap.findUniqueOrThrow({ where, select: gapColumns }));
}

function toGap(row: Omit<WalGapRow, "fromLsn" | "toLsn"> & { fromLsn: bigint; toLsn: bigint }): WalGapRow {
  return { ...row, fromLsn: BigInt.asUintN(64, row.fromLsn), toLsn: BigInt.asUintN(64, row.toLsn) };
}
