import { compareLsn } from "./lsn-order.ts";
import type { KnownGap, RecoveryInput, WindowBackup, WindowTimeline } from "./recovery-types.ts";
import { indexTimeline, type TimelineWal } from "./timeline-wal.ts";

/** Everything known of one system identifier. */
export interface LifetimeWal {
  readonly systemIdentifier: bigint;
  readonly timelines: ReadonlyMap<number, TimelineWal>;
  /** By stop LSN. */
  readonly backups: readonly WindowBackup[];
  readonly knownGaps: readonly KnownGap[];
}

type WalInput = Pick<RecoveryInput, "backups" | "segments" | "partials" | "timelines" | "knownGaps">;

/** Groups what is known by system identifier, the lifetime with the newest backup or commit first. */
export function indexLifetimes(input: WalInput): LifetimeWal[] {
  const groups = new Map<bigint, Mutable>();
  const groupOf = (systemIdentifier: bigint) => {
    let group = groups.get(systemIdentifier);
    if (group === undefined) {
      group = { backups: [], segments: new Map(), partials: new Map(), timelines: new Map(), knownGaps: [] };
      groups.set(systemIdentifier, group);
    }
    return group;
  };
  for (const backup of input.backups) groupOf(backup.systemIdentifier).backups.push(backup);
  for (const gap of input.knownGaps) groupOf(gap.systemIdentifier).knownGaps.push(gap);
  for (const place of input.timelines) groupOf(place.systemIdentifier).timelines.set(place.timeline, place);
  for (const segment of input.segments) push(groupOf(segment.systemIdentifier).segments, segment);
  for (const partial of input.partials) push(groupOf(partial.systemIdentifier).partials, partial);
  const lifetimes = [...groups].map(([systemIdentifier, group]) => indexLifetime(systemIdentifier, group));
  return lifetimes.sort((left, right) => newestMs(right) - newestMs(left));
}

interface Mutable {
  readonly backups: WindowBackup[];
  readonly segments: Map<number, RecoveryInput["segments"][number][]>;
  readonly partials: Map<number, RecoveryInput["partials"][number][]>;
  readonly timelines: Map<number, WindowTimeline>;
  readonly knownGaps: KnownGap[];
}

function push<Item extends { readonly timeline: number }>(lists: Map<number, Item[]>, item: Item): void {
  const list = lists.get(item.timeline);
  if (list === undefined) lists.set(item.timeline, [item]);
  else list.push(item);
}

function indexLifetime(systemIdentifier: bigint, group: Mutable): LifetimeWal {
  const numbers = new Set<number>([...group.segments.keys(), ...group.partials.keys(), ...group.timelines.keys()]);
  for (const { timeline } of group.backups) numbers.add(timeline);
  for (const { parent } of group.timelines.values()) if (parent !== null) numbers.add(parent);
  const timelines = new Map<number, TimelineWal>();
  for (const timeline of [...numbers].sort((left, right) => left - right)) {
    const place = placeOf(timeline, group.timelines.get(timeline));
    timelines.set(
      timeline,
      indexTimeline(place, group.segments.get(timeline) ?? [], group.partials.get(timeline) ?? []),
    );
  }
  const backups = [...group.backups].sort((left, right) => compareLsn(left.stopLsn, right.stopLsn));
  return { systemIdentifier, timelines, backups, knownGaps: group.knownGaps };
}

/** A timeline's parent always has a smaller number; what says otherwise is no history to follow. */
function placeOf(timeline: number, known: WindowTimeline | undefined) {
  const rooted = known === undefined || known.parent === null || known.switchLsn === null || known.parent >= timeline;
  return rooted
    ? { timeline, parent: null, switchLsn: null }
    : { timeline, parent: known.parent, switchLsn: known.switchLsn };
}

function newestMs({ backups, timelines }: LifetimeWal): number {
  let newest = Number.NEGATIVE_INFINITY;
  for (const { stoppedAt } of backups) newest = Math.max(newest, stoppedAt.getTime());
  for (const { items, lastWithCommit } of timelines.values()) {
    const commit = items[lastWithCommit.at(-1) ?? -1]?.facts?.lastCommit;
    if (commit) newest = Math.max(newest, commit.at.getTime());
  }
  return newest;
}
