import { formatBytes } from "@tidemark/kit";
import type { BackupRow, Server, WalSegmentRow } from "@tidemark/metadata";
import { type WalRange, walRetention } from "@tidemark/policy";
import type { Services } from "../services.ts";
import { partialOf, placeOfBackup, segmentOf, timelineOf } from "./recovery-window.ts";

/** What becomes of the WAL in one repository once the backups went, from the mirror's rows. */
export interface WalPreview {
  readonly removed: WalTotals;
  readonly kept: WalTotals;
  readonly sentence: string;
}

export interface WalTotals {
  readonly segments: number;
  readonly storedBytes: bigint;
  /** By cluster, timeline and place; at most `mostRanges`, the newest ones. */
  readonly ranges: readonly WalRangeDecision[];
}

/** A run of segments of one timeline that stay or go for one reason. */
export interface WalRangeDecision {
  readonly systemIdentifier: string;
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  readonly segments: number;
  readonly storedBytes: bigint;
  readonly reason: string;
}

export interface WalPreviewRequest {
  readonly server: Pick<Server, "id">;
  readonly repositoryId: string;
  /** The backups that stay there. */
  readonly kept: readonly BackupRow[];
  readonly windowDays: number | null;
}

/**
 * The worker decides the same way by what the repository holds when it comes to it (engine `planWalExpiry`), after the
 * backups went and while nobody reads. Null where no WAL is kept.
 */
export async function previewWal(services: Services, request: WalPreviewRequest): Promise<WalPreview | null> {
  const { metadata, clock } = services;
  const { server, repositoryId, kept, windowDays } = request;
  const [rows, timelines, receivers] = await Promise.all([
    metadata.wal.segments({ serverId: server.id, repositoryId }),
    metadata.wal.timelines([server.id]),
    metadata.walReceivers.ofServers([server.id]),
  ]);
  if (rows.length === 0) return null;
  const segments = rows.map(segmentOf);
  const plan = walRetention({
    backups: kept.filter(({ damageDetail }) => damageDetail === null).flatMap(placeOfBackup),
    damagedBackups: kept.filter(({ damageDetail }) => damageDetail !== null).flatMap(placeOfBackup),
    windowDays,
    segments,
    partials: receivers.flatMap((receiver) => partialOf(receiver, segments)),
    timelines: timelines.map(timelineOf),
    now: clock.now(),
  });
  const sizes = sizesOf(rows);
  const removed = totalsOf(plan.removed, sizes);
  const stays = totalsOf(plan.kept, sizes);
  return { removed, kept: stays, sentence: sentenceOf(removed, stays) };
}

/** The segments of each timeline of each cluster, in the order of their places. */
function sizesOf(rows: readonly WalSegmentRow[]): ReadonlyMap<string, readonly WalSegmentRow[]> {
  return Map.groupBy(rows, ({ systemIdentifier, timeline }) => `${systemIdentifier}/${timeline}`);
}

function totalsOf(
  ranges: readonly WalRange<string>[],
  sizes: ReadonlyMap<string, readonly WalSegmentRow[]>,
): WalTotals {
  const decisions = ranges.map((range): WalRangeDecision => {
    const { systemIdentifier, timeline, fromLsn, toLsn, segmentCount, sentence } = range;
    const there = sizes.get(`${systemIdentifier}/${timeline}`) ?? [];
    return {
      systemIdentifier: String(systemIdentifier),
      timeline,
      fromLsn,
      toLsn,
      segments: segmentCount,
      storedBytes: storedWithin(there, fromLsn, toLsn),
      reason: sentence,
    };
  });
  return {
    segments: decisions.reduce((sum, { segments }) => sum + segments, 0),
    storedBytes: decisions.reduce((sum, { storedBytes }) => sum + storedBytes, 0n),
    ranges: decisions.slice(-mostRanges),
  };
}

function storedWithin(rows: readonly WalSegmentRow[], fromLsn: bigint, toLsn: bigint): bigint {
  let sum = 0n;
  for (let index = firstFrom(rows, fromLsn); index < rows.length; index++) {
    const row = rows[index];
    if (row === undefined || row.startLsn >= toLsn) break;
    sum += row.storedBytes;
  }
  return sum;
}

/** The index of the first that begins at `fromLsn` or behind it, by halving. */
function firstFrom(rows: readonly WalSegmentRow[], fromLsn: bigint): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.startLsn ?? fromLsn) < fromLsn) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sentenceOf(removed: WalTotals, kept: WalTotals): string {
  const rest = `${counted(kept.segments)}, ${formatBytes(kept.storedBytes)} kept`;
  if (removed.segments === 0) return `no WAL would be removed: ${rest}`;
  return `${counted(removed.segments)}, ${formatBytes(removed.storedBytes)} would be removed; ${rest}`;
}

function counted(segments: number): string {
  return segments === 1 ? "1 WAL segment" : `${segments.toLocaleString("en")} WAL segments`;
}

/** More than a person reads; each gap of the archive begins another. */
const mostRanges = 200;
