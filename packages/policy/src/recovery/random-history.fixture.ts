import fc from "fast-check";
import type {
  RecoveryInput,
  WindowBackup,
  WindowCommit,
  WindowPartial,
  WindowRestorePoint,
  WindowSegment,
  WindowSegmentFacts,
  WindowTimeline,
} from "./recovery-types.ts";

/** A record of a made-up server: bytes are counted one by one and segments are 16 of them. */
export interface HistoryRecord {
  readonly startLsn: bigint;
  readonly endLsn: bigint;
  readonly commit: { readonly at: Date; readonly xid: number } | null;
  readonly restorePoint: string | null;
}

export interface HistoryTimeline {
  readonly timeline: number;
  readonly parent: number | null;
  readonly switchLsn: bigint;
  /** All records on the way to it, its ancestors' up to the switch first. */
  readonly records: readonly HistoryRecord[];
  readonly endLsn: bigint;
}

/** What really happened, and what of it is stored. */
export interface History {
  readonly timelines: readonly HistoryTimeline[];
  readonly input: RecoveryInput;
  /** Of a segment that nobody read one cannot tell whether its last record is whole. */
  readonly hasUnread: boolean;
}

export const segmentBytes = 16;
export const firstMs = Date.UTC(2026, 0, 1);
export const systemIdentifier = 77n;

/** Forks in mid-segment, missing segments, partial ends, unread segments, backups with and without their own WAL. */
export const randomHistory: fc.Arbitrary<History> = fc
  .record({
    own: fc.array(
      fc.array(fc.record({ bytes: fc.integer({ min: 1, max: 9 }), kind: fc.nat(9), pause: fc.nat(3) }), {
        minLength: 6,
        maxLength: 40,
      }),
      { minLength: 1, maxLength: 4 },
    ),
    forks: fc.array(fc.record({ parent: fc.nat(9), at: fc.nat(1000) }), { minLength: 4, maxLength: 4 }),
    missing: fc.array(fc.nat(100), { maxLength: 6 }),
    unread: fc.array(fc.nat(100), { maxLength: 2 }),
    partial: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    backups: fc.array(
      fc.record({ timeline: fc.nat(9), from: fc.nat(1000), length: fc.nat(8), included: fc.boolean() }),
      { minLength: 1, maxLength: 6 },
    ),
  })
  .map(makeHistory);

interface Seeds {
  readonly own: readonly (readonly { readonly bytes: number; readonly kind: number; readonly pause: number }[])[];
  readonly forks: readonly { readonly parent: number; readonly at: number }[];
  readonly missing: readonly number[];
  readonly unread: readonly number[];
  readonly partial: readonly boolean[];
  readonly backups: readonly {
    readonly timeline: number;
    readonly from: number;
    readonly length: number;
    readonly included: boolean;
  }[];
}

function makeHistory(seeds: Seeds): History {
  const timelines = makeTimelines(seeds);
  const segments: WindowSegment[] = [];
  const partials: WindowPartial[] = [];
  let number = 0;
  let hasUnread = false;
  for (const [index, timeline] of timelines.entries()) {
    const begin = (timeline.switchLsn / 16n) * 16n;
    for (let startLsn = begin; startLsn < timeline.endLsn; startLsn += 16n) {
      number++;
      if (seeds.missing.includes(number)) continue;
      const endLsn = startLsn + 16n;
      const facts = seeds.unread.includes(number) ? null : factsOf(timeline, startLsn, endLsn);
      hasUnread ||= facts === null;
      const place = { systemIdentifier, timeline: timeline.timeline, startLsn };
      if (endLsn <= timeline.endLsn) segments.push({ ...place, sizeBytes: segmentBytes, facts });
      else if (seeds.partial[index] === true) partials.push({ ...place, endLsn: timeline.endLsn, facts });
    }
  }
  const histories: WindowTimeline[] = timelines
    .filter(({ parent }) => parent !== null)
    .map(({ timeline, parent, switchLsn }) => ({ systemIdentifier, timeline, parent, switchLsn }));
  const backups = seeds.backups.map((seed, index) => makeBackup(timelines, seed, index));
  return { timelines, input: { backups, segments, partials, timelines: histories, knownGaps: [] }, hasUnread };
}

function makeTimelines({ own, forks }: Seeds): HistoryTimeline[] {
  const timelines: HistoryTimeline[] = [];
  let atMs = firstMs;
  let xid = 700;
  for (const [index, seeds] of own.entries()) {
    const fork = forks[index];
    const parent = index === 0 || fork === undefined ? undefined : timelines[fork.parent % index];
    const inherited = parent?.records.slice(0, 1 + ((fork?.at ?? 0) % parent.records.length)) ?? [];
    const switchLsn = inherited.at(-1)?.endLsn ?? 0n;
    const records = [...inherited];
    for (const { bytes, kind, pause } of seeds) {
      const startLsn: bigint = records.at(-1)?.endLsn ?? 0n;
      // Several commits may fall into one millisecond.
      atMs += pause;
      const commit = kind < 5 ? { at: new Date(atMs), xid: xid++ } : null;
      const restorePoint = kind === 9 ? `point-${xid % 3}` : null;
      records.push({ startLsn, endLsn: startLsn + BigInt(bytes), commit, restorePoint });
    }
    const endLsn = records.at(-1)?.endLsn ?? 0n;
    timelines.push({ timeline: index + 1, parent: parent?.timeline ?? null, switchLsn, records, endLsn });
  }
  return timelines;
}

/** A backup's times are honest: nothing in it was committed after `stoppedAt`. */
function makeBackup(
  timelines: readonly HistoryTimeline[],
  seed: Seeds["backups"][number],
  index: number,
): WindowBackup {
  const timeline = timelines[seed.timeline % timelines.length] as HistoryTimeline;
  const own = timeline.records.filter(({ startLsn }) => startLsn >= timeline.switchLsn);
  const from = seed.from % own.length;
  const first = own[from] as HistoryRecord;
  const last = own[Math.min(own.length - 1, from + seed.length)] as HistoryRecord;
  const seen = timeline.records
    .filter(({ endLsn }) => endLsn <= last.endLsn)
    .map(({ commit }) => commit?.at.getTime() ?? firstMs);
  return {
    backupId: `bak_${index}`,
    systemIdentifier,
    timeline: timeline.timeline,
    startLsn: first.startLsn,
    stopLsn: last.endLsn,
    stoppedAt: new Date(Math.max(...seen) + 1),
    includedWal: seed.included ? { timeline: timeline.timeline, startLsn: first.startLsn, endLsn: last.endLsn } : null,
  };
}

function factsOf({ records }: HistoryTimeline, startLsn: bigint, endLsn: bigint): WindowSegmentFacts {
  const commits: WindowCommit[] = [];
  const restorePoints: WindowRestorePoint[] = [];
  let lastRecordEnd: bigint | null = null;
  for (const record of records) {
    if (record.endLsn <= startLsn || record.endLsn > endLsn) continue;
    lastRecordEnd = record.endLsn;
    if (record.commit !== null) commits.push({ ...record.commit, lsn: record.endLsn });
    if (record.restorePoint !== null) {
      restorePoints.push({ name: record.restorePoint, at: new Date(firstMs), lsn: record.endLsn });
    }
  }
  return { firstCommit: commits[0] ?? null, lastCommit: commits.at(-1) ?? null, restorePoints, lastRecordEnd };
}
