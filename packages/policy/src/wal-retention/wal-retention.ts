import { indexLifetimes, type LifetimeWal } from "../recovery/lifetime-wal.ts";
import type { WindowPartial, WindowSegment } from "../recovery/recovery-types.ts";
import { type NeededWal, neededIn } from "./needed-wal.ts";
import { byPlace, rangesOf } from "./wal-ranges.ts";
import type { WalRemoveCode, WalRetentionInput, WalRetentionPlan } from "./wal-retention-types.ts";

/**
 * Which WAL stays and why, and which goes: everything that the promised window needs, [start, stop] of the backups kept
 * beyond it, and the WAL that goes on now. A segment goes only when nothing of that needs it.
 */
export function walRetention(input: WalRetentionInput): WalRetentionPlan {
  const lifetimes = indexLifetimes({ ...input, knownGaps: [] });
  const needed = new Map<bigint, NeededWal>();
  for (const [index, lifetime] of lifetimes.entries()) {
    needed.set(lifetime.systemIdentifier, neededIn(lifetime, lifetimes.slice(0, index), input));
  }
  const kept = new Map<WindowSegment, Reason>();
  const removed: WindowSegment[] = [];
  for (const segment of input.segments) {
    const need = needOf(needed, segment, segment.startLsn + BigInt(segment.sizeBytes));
    if (need === null) removed.push(segment);
    else kept.set(segment, need);
  }
  const partialStarts = new Set(input.partials.map(({ startLsn }) => startLsn));
  const sizes = new Map(input.segments.map(({ systemIdentifier, sizeBytes }) => [systemIdentifier, sizeBytes]));
  const whole = new Set(input.segments.filter(({ startLsn }) => partialStarts.has(startLsn)).map(placeKey));
  return {
    plannedAt: input.now,
    kept: rangesOf([...kept.keys()], (segment) => kept.get(segment) as Reason),
    removed: rangesOf(removed, (segment) => reasonToRemove(needed.get(segment.systemIdentifier), lifetimes, segment)),
    removeSegments: removed.sort(byPlace),
    removePartials: input.partials.filter(
      (partial) => whole.has(placeKey(partial)) || needOf(needed, partial, endOfSegment(partial, sizes)) === null,
    ),
    removeFiles: (input.files ?? []).filter((file) => needOf(needed, file, file.startLsn + 1n) === null),
    removeHistories: input.timelines
      .filter(({ systemIdentifier, timeline }) => !needed.get(systemIdentifier)?.timelines.has(timeline))
      .map(({ systemIdentifier, timeline }) => ({ systemIdentifier, timeline })),
  };
}

/** A backup may begin in it behind what there is by now: it goes on, and is needed as a whole. */
function endOfSegment(partial: WindowPartial, sizes: ReadonlyMap<bigint, number>): bigint {
  const size = sizes.get(partial.systemIdentifier);
  return size === undefined ? partial.endLsn : partial.startLsn + BigInt(size);
}

type Reason = NonNullable<ReturnType<NeededWal["find"]>>;

interface Place {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly startLsn: bigint;
}

function needOf(
  needed: ReadonlyMap<bigint, NeededWal>,
  { systemIdentifier, timeline, startLsn }: Place,
  endLsn: bigint,
) {
  return needed.get(systemIdentifier)?.find(timeline, startLsn, endLsn) ?? null;
}

function reasonToRemove(
  needed: NeededWal | undefined,
  lifetimes: readonly LifetimeWal[],
  segment: WindowSegment,
): { readonly code: WalRemoveCode; readonly sentence: string } {
  const { systemIdentifier, timeline, startLsn } = segment;
  const backups = lifetimes.find((each) => each.systemIdentifier === systemIdentifier)?.backups ?? [];
  if (!backups.some((backup) => backup.startLsn <= startLsn)) {
    return { code: "before-oldest-backup", sentence: "no backup that is kept comes before it" };
  }
  if (needed?.timelines.has(timeline) === true) {
    return {
      code: "beyond-window",
      sentence: "it is older than the window, and no kept backup needs it to be consistent",
    };
  }
  return { code: "timeline-left", sentence: "its timeline was left before the window began" };
}

function placeKey({ systemIdentifier, timeline, startLsn }: Place): string {
  return `${systemIdentifier}/${timeline}/${startLsn}`;
}
