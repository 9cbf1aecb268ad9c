import { indexLifetimes, type LifetimeWal } from "./lifetime-wal.ts";
import { compareLsn, laterOf } from "./lsn-order.ts";
import { basesOf, type PathBase } from "./path-bases.ts";
import { gapsOf } from "./path-gaps.ts";
import {
  instantAt,
  lastCommitUntil,
  lastRecordEnd,
  type PathRun,
  pathTo,
  type RecoveryPath,
  timelineBefore,
} from "./recovery-path.ts";
import type {
  BaselessStretch,
  ClusterLifetime,
  LiveEdge,
  RecoverableStretch,
  RecoveryInput,
  RecoveryWindow,
  TimelineWindow,
} from "./recovery-types.ts";
import { itemIndexAt } from "./timeline-wal.ts";

/**
 * To which instants one can go back, and why not to others, for each system identifier and timeline.
 *
 * A stretch begins where a backup is consistent and ends with the last whole record before a hole. WAL without a backup
 * before it is kept but leads nowhere; a backup that holds its own WAL is an instant by itself. On a child timeline the
 * ancestors count up to where they were left. Near linear in the number of segments.
 */
export function recoveryWindow(input: RecoveryInput): RecoveryWindow {
  const lifetimes = indexLifetimes(input).map((lifetime): ClusterLifetime => {
    const windows = [...shownTimelines(lifetime)].map((timeline) => windowOf(lifetime, timeline, input.windowDays));
    return {
      systemIdentifier: lifetime.systemIdentifier,
      timelines: windows.map(({ window }) => window),
      liveEdge: edgeOf(lifetime, windows),
    };
  });
  return { lifetimes };
}

interface Listed {
  readonly path: RecoveryPath;
  readonly window: TimelineWindow;
}

/** A timeline without WAL or backup of its own from which nothing forks is a name only: a foreign history, say. */
function* shownTimelines(lifetime: LifetimeWal): Generator<number> {
  const parents = new Set([...lifetime.timelines.values()].map(({ parent }) => parent));
  for (const [timeline, { items }] of lifetime.timelines) {
    const own = items.length > 0 || lifetime.backups.some((backup) => backup.timeline === timeline);
    if (own || parents.has(timeline)) yield timeline;
  }
}

function windowOf(lifetime: LifetimeWal, timeline: number, windowDays: number | null | undefined): Listed {
  const path = pathTo(lifetime, timeline);
  const bases = basesOf(lifetime, path);
  const stretches = stretchesOf(path, bases, windowDays ?? null);
  const { parent, switchLsn } = path.steps.at(-1)?.wal ?? { parent: null, switchLsn: null };
  const gaps = gapsOf(path, bases, stretches, lifetime.knownGaps);
  const restorePoints = restorePointsOf(path, stretches);
  const withoutBase = [...withoutBaseOf(path, bases)];
  return { path, window: { timeline, parent, switchLsn, stretches, gaps, withoutBase, restorePoints } };
}

/** One stretch for each run that a base leads into, and one for each backup that stands alone. */
export function stretchesOf(
  path: RecoveryPath,
  bases: readonly PathBase[],
  windowDays: number | null,
): RecoverableStretch[] {
  const groups = new Map<PathRun | PathBase, PathBase[]>();
  for (const base of bases) {
    const key = base.run ?? base;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [base]);
    else group.push(base);
  }
  const next = new Map(bases.map((base, index) => [base, bases[index + 1]]));
  const stretches = [...groups.values()].map((group): RecoverableStretch => {
    const { backup, run, committedUntilMs } = group[0] as PathBase;
    const from = {
      timeline: backup.timeline,
      lsn: backup.stopLsn,
      at: new Date(run === null ? backup.stoppedAt.getTime() : committedUntilMs + 1),
    };
    return {
      from,
      to: run === null ? { ...from, at: null } : endOf(path, run, from),
      backupIds: group.map((base) => base.backup.backupId),
      expiresAt: expiry(next.get(group[0] as PathBase), windowDays),
    };
  });
  return stretches.sort((left, right) => compareLsn(left.from.lsn, right.from.lsn));
}

function endOf(path: RecoveryPath, run: PathRun, from: RecoverableStretch["from"]): RecoverableStretch["to"] {
  const lsn = laterOf(lastRecordEnd(run), from.lsn);
  const at = lastCommitUntil(run, lsn).commit?.at ?? null;
  return { timeline: timelineBefore(path, lsn), lsn, at: at !== null && from.at !== null && at >= from.at ? at : null };
}

/** What only the oldest backup gives goes when the next one ended longer ago than the promise reaches. */
function expiry(next: PathBase | undefined, windowDays: number | null): Date | null {
  if (next === undefined || windowDays === null) return null;
  return new Date(next.backup.stoppedAt.getTime() + windowDays * dayMs);
}

const dayMs = 86_400_000;

function* withoutBaseOf(path: RecoveryPath, bases: readonly PathBase[]): Generator<BaselessStretch> {
  for (const run of path.runs) {
    const first = bases.find((base) => base.run === run)?.backup;
    const startsAt = first === undefined ? run.toLsn : first.startLsn;
    // The segment in which the first backup starts always begins before it.
    const wal = run.pieces[0]?.wal;
    const firstItemEnd = wal?.items[itemIndexAt(wal, run.fromLsn)]?.endLsn ?? run.toLsn;
    if (first !== undefined && startsAt < firstItemEnd) continue;
    const toLsn = first?.stopLsn ?? run.toLsn;
    const from = instantAt(path, run, run.fromLsn);
    yield { fromLsn: run.fromLsn, toLsn, from, to: instantAt(path, run, toLsn) };
  }
}

function restorePointsOf(path: RecoveryPath, stretches: readonly RecoverableStretch[]) {
  const points = new Map<bigint, TimelineWindow["restorePoints"][number]>();
  for (const { wal, fromLsn, toLsn } of path.steps) {
    for (const point of wal.restorePoints) {
      if ((toLsn !== null && point.lsn > toLsn) || points.has(point.lsn)) continue;
      const reachable = stretches.some(({ from, to }) => from.lsn < point.lsn && point.lsn <= to.lsn);
      // The copy of the parent's bytes in the segment of the fork repeats the parent's points.
      const timeline = point.lsn <= fromLsn ? timelineBefore(path, point.lsn) : wal.timeline;
      points.set(point.lsn, { ...point, timeline, reachable });
    }
  }
  return [...points.values()].sort((left, right) => compareLsn(left.lsn, right.lsn));
}

/** The end of the newest timeline that has WAL of its own. */
function edgeOf(lifetime: LifetimeWal, windows: readonly Listed[]): LiveEdge | null {
  const newest = windows.findLast(({ path }) => (lifetime.timelines.get(path.timeline)?.items.length ?? 0) > 0);
  const run = newest?.path.runs.at(-1);
  if (newest === undefined || run === undefined) return null;
  const reachable = newest.window.stretches.some(({ from, to }) => from.lsn < run.toLsn && to.lsn > run.fromLsn);
  return {
    timeline: newest.path.timeline,
    durableLsn: run.toLsn,
    lastCommit: lastCommitUntil(run, run.toLsn).commit,
    reachable,
  };
}
