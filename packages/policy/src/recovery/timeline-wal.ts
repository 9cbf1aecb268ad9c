import type {
  WindowPartial,
  WindowRestorePoint,
  WindowSegment,
  WindowSegmentFacts,
  WindowTimeline,
} from "./recovery-types.ts";

/** A whole segment, or the durable beginning of one. */
export interface WalItem {
  readonly startLsn: bigint;
  readonly endLsn: bigint;
  readonly partial: boolean;
  readonly facts: WindowSegmentFacts | null;
}

/** Items without a hole between them, by their indexes. */
export interface ItemRun {
  readonly first: number;
  readonly last: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

/** The WAL of one timeline, ordered, with what makes look-ups cheap. */
export interface TimelineWal {
  readonly timeline: number;
  readonly parent: number | null;
  readonly switchLsn: bigint | null;
  /** By start; none overlaps another. */
  readonly items: readonly WalItem[];
  readonly runs: readonly ItemRun[];
  /** For each item the index of the last one up to and with it that has a commit; -1: none. */
  readonly lastWithCommit: Int32Array;
  /** For each item the index of the last one up to and with it that nobody read; -1: none. */
  readonly lastUnread: Int32Array;
  readonly restorePoints: readonly WindowRestorePoint[];
}

export function indexTimeline(
  place: Pick<WindowTimeline, "timeline" | "parent" | "switchLsn">,
  segments: readonly WindowSegment[],
  partials: readonly WindowPartial[],
): TimelineWal {
  const items = orderItems(place.switchLsn ?? 0n, segments, partials);
  const lastWithCommit = new Int32Array(items.length);
  const lastUnread = new Int32Array(items.length);
  const restorePoints: WindowRestorePoint[] = [];
  let commitIndex = -1;
  let unreadIndex = -1;
  for (let index = 0; index < items.length; index++) {
    const { facts } = items[index] as WalItem;
    if (facts === null) unreadIndex = index;
    else if (facts.lastCommit !== null) commitIndex = index;
    lastWithCommit[index] = commitIndex;
    lastUnread[index] = unreadIndex;
    if (facts !== null) for (const point of facts.restorePoints) restorePoints.push(point);
  }
  return { ...place, items, runs: joinItems(items), lastWithCommit, lastUnread, restorePoints };
}

/** The item in which the byte at `lsn` lies, or -1. */
export function itemIndexAt({ items }: TimelineWal, lsn: bigint): number {
  let low = 0;
  let high = items.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const item = items[middle] as WalItem;
    if (item.startLsn > lsn) high = middle - 1;
    else if (item.endLsn <= lsn) low = middle + 1;
    else return middle;
  }
  return -1;
}

/**
 * What ends before the timeline begins is no WAL of it (PostgreSQL does not look there: XLogFileReadAnyTLI). A segment
 * in which it begins holds a copy of its parent's bytes up to there.
 */
function orderItems(
  beginLsn: bigint,
  segments: readonly WindowSegment[],
  partials: readonly WindowPartial[],
): readonly WalItem[] {
  const all: WalItem[] = [];
  for (const { startLsn, sizeBytes, facts } of segments) {
    all.push({ startLsn, endLsn: startLsn + BigInt(sizeBytes), partial: false, facts });
  }
  for (const { startLsn, endLsn, facts } of partials) all.push({ startLsn, endLsn, partial: true, facts });
  if (!isOrdered(all)) all.sort(byStart);
  const items: WalItem[] = [];
  let reached = 0n;
  for (const item of all) {
    if (item.endLsn <= beginLsn || item.endLsn <= item.startLsn || item.startLsn < reached) continue;
    items.push(item);
    reached = item.endLsn;
  }
  return items;
}

/** By start; a whole segment before a part of it. */
function byStart(left: WalItem, right: WalItem): number {
  if (left.startLsn !== right.startLsn) return left.startLsn < right.startLsn ? -1 : 1;
  if (left.endLsn !== right.endLsn) return left.endLsn > right.endLsn ? -1 : 1;
  return Number(left.partial) - Number(right.partial);
}

function isOrdered(items: readonly WalItem[]): boolean {
  for (let index = 1; index < items.length; index++) {
    if (byStart(items[index - 1] as WalItem, items[index] as WalItem) > 0) return false;
  }
  return true;
}

function joinItems(items: readonly WalItem[]): ItemRun[] {
  const runs: { first: number; last: number; fromLsn: bigint; toLsn: bigint }[] = [];
  for (const [index, item] of items.entries()) {
    const run = runs.at(-1);
    if (run !== undefined && run.toLsn === item.startLsn) {
      run.last = index;
      run.toLsn = item.endLsn;
    } else runs.push({ first: index, last: index, fromLsn: item.startLsn, toLsn: item.endLsn });
  }
  return runs;
}
