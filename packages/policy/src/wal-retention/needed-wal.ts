import { minuteText } from "../minute-text.ts";
import type { LifetimeWal } from "../recovery/lifetime-wal.ts";
import { compareLsn } from "../recovery/lsn-order.ts";
import { basesOf, holdsItsWal, type PathBase } from "../recovery/path-bases.ts";
import { lastCommitUntil, type PathStep, pathTo, type RecoveryPath } from "../recovery/recovery-path.ts";
import type { WindowBackup } from "../recovery/recovery-types.ts";
import type { WalKeepCode, WalRetentionInput } from "./wal-retention-types.ts";

/** Why some WAL of a timeline stays; `toLsn` null: all that comes. */
interface Need {
  readonly fromLsn: bigint;
  readonly toLsn: bigint | null;
  readonly code: WalKeepCode;
  readonly sentence: string;
}

/** What of one lifetime's WAL is needed. */
export interface NeededWal {
  /** The timelines of which something is kept, and those on the way to them: their histories stay. */
  readonly timelines: ReadonlySet<number>;
  find(timeline: number, startLsn: bigint, endLsn: bigint): Pick<Need, "code" | "sentence"> | null;
}

const dayMs = 86_400_000;

/** @param newer the lifetimes that came after this one */
export function neededIn(lifetime: LifetimeWal, newer: readonly LifetimeWal[], input: WalRetentionInput): NeededWal {
  const needs = new Needs();
  const paths = [...lifetime.timelines.keys()].map((timeline) => pathTo(lifetime, timeline));
  const own = new Map(paths.map((path) => [path.timeline, basesOf(lifetime, path)]));
  const windowStart = input.windowDays === null ? null : new Date(input.now.getTime() - input.windowDays * dayMs);
  const context: Context = { lifetime, newer, windowStart, paths, bases: own };
  const damaged = (input.damagedBackups ?? []).filter(
    ({ systemIdentifier }) => systemIdentifier === lifetime.systemIdentifier,
  );
  for (const backup of [...lifetime.backups, ...damaged]) needBackup(needs, backup, context);
  for (const path of paths) needPath(needs, path, context);
  return needs.close(paths);
}

interface Context {
  readonly lifetime: LifetimeWal;
  readonly newer: readonly LifetimeWal[];
  /** Null: there is no promise by days, so nothing behind the oldest backup goes. */
  readonly windowStart: Date | null;
  readonly paths: readonly RecoveryPath[];
  readonly bases: ReadonlyMap<number, readonly PathBase[]>;
}

/** What one kept backup needs to be consistent, however old it is. */
function needBackup(needs: Needs, backup: WindowBackup, { paths, bases }: Context): void {
  if (holdsItsWal(backup)) return;
  const why = { code: "backup", sentence: `backup ${backup.backupId} needs it to be consistent` } as const;
  needs.add(backup.timeline, { fromLsn: backup.startLsn, toLsn: backup.stopLsn, ...why });
  const isBase = (timeline: number) => bases.get(timeline)?.some((base) => base.backup === backup) === true;
  if (isBase(backup.timeline)) return;
  // Its timeline's own last segment never came whole, and a child's copy of those bytes serves instead.
  for (const path of paths) {
    if (isBase(path.timeline)) needSteps(needs, path, backup, { toLsn: backup.stopLsn, ...why });
  }
}

/** What the window needs on the way to one timeline. */
function needPath(needs: Needs, path: RecoveryPath, context: Context): void {
  const { lifetime, newer, windowStart } = context;
  const live = newer.length === 0 && liveTimelines(lifetime).includes(path.timeline);
  const bases = context.bases.get(path.timeline) ?? [];
  if (!live && windowStart !== null && wasLeftBefore(windowStart, path, context)) return;
  const base = baseOfWindow(bases, windowStart);
  if (base !== undefined) {
    needSteps(needs, path, base.backup, { toLsn: null, ...windowReason(windowStart) });
  } else if (live) {
    // The first backup may be running, and would need it.
    const sentence = "no backup leads here yet, and one that is being taken may need it";
    needs.add(path.timeline, { fromLsn: 0n, toLsn: null, code: "no-backup-yet", sentence });
  }
}

function windowReason(windowStart: Date | null): Pick<Need, "code" | "sentence"> {
  if (windowStart === null) return { code: "no-rule", sentence: "no rule says how far back instants are promised" };
  return { code: "window", sentence: `every instant since ${minuteText(windowStart)} is promised` };
}

/** The newest backup from which the window's first instant is reached; when none is so old, the oldest. */
function baseOfWindow(bases: readonly PathBase[], windowStart: Date | null): PathBase | undefined {
  const startMs = windowStart?.getTime() ?? Number.NEGATIVE_INFINITY;
  const before = ({ backup, committedUntilMs }: PathBase) =>
    backup.stoppedAt.getTime() <= startMs && committedUntilMs < startMs;
  return bases.findLast(before) ?? bases[0];
}

/** From a backup on along a path. A child's files are needed from their first: the segment of the fork holds its parent's end too. */
function needSteps(needs: Needs, path: RecoveryPath, backup: WindowBackup, need: Omit<Need, "fromLsn">): void {
  const first = path.steps.findIndex(({ wal }) => wal.timeline === backup.timeline);
  for (const [index, step] of path.steps.entries()) {
    if (index < first) continue;
    const fromLsn = index === first ? backup.startLsn : 0n;
    needs.add(step.wal.timeline, { ...need, fromLsn, toLsn: endOf(step, need.toLsn) });
  }
}

function endOf({ toLsn }: PathStep, limit: bigint | null): bigint | null {
  if (toLsn === null || limit === null) return toLsn ?? limit;
  return toLsn < limit ? toLsn : limit;
}

/**
 * Whether nothing was committed on this timeline since the window began, so that it has no promised instant of its own.
 * Where a segment was not read, nobody knows.
 */
function wasLeftBefore(windowStart: Date, path: RecoveryPath, { lifetime }: Context): boolean {
  const backup = lifetime.backups.findLast(({ timeline }) => timeline === path.timeline);
  if (backup !== undefined && backup.stoppedAt >= windowStart) return false;
  for (const run of [...path.runs].reverse()) {
    const { commit, certain, bound } = lastCommitUntil(run, run.toLsn);
    if (!certain) return false;
    if (commit !== null) return (bound ?? commit).at < windowStart;
  }
  return true;
}

/** The highest with WAL, and the one of the newest backup: WAL that came from elsewhere may have a higher number. */
function liveTimelines({ timelines, backups }: LifetimeWal): readonly number[] {
  const highest = [...timelines].findLast(([, { items }]) => items.length > 0)?.[0];
  const newest = backups.reduce<WindowBackup | undefined>(
    (best, backup) => (best === undefined || backup.stoppedAt > best.stoppedAt ? backup : best),
    undefined,
  );
  return [highest, newest?.timeline].filter((timeline) => timeline !== undefined);
}

/** Collects needs by timeline, and finds one by place among thousands. */
class Needs {
  readonly #byTimeline = new Map<number, Need[]>();

  add(timeline: number, need: Need): void {
    const list = this.#byTimeline.get(timeline);
    if (list === undefined) this.#byTimeline.set(timeline, [need]);
    else list.push(need);
  }

  close(paths: readonly RecoveryPath[]): NeededWal {
    const timelines = new Set<number>();
    for (const path of paths) {
      if (!this.#byTimeline.has(path.timeline)) continue;
      for (const { wal } of path.steps) timelines.add(wal.timeline);
    }
    const lists = new Map([...this.#byTimeline].map(([timeline, needs]) => [timeline, reaching(needs)]));
    return { timelines, find: (timeline, startLsn, endLsn) => findNeed(lists.get(timeline) ?? [], startLsn, endLsn) };
  }
}

/** A need with the one that reaches furthest among it and those before it, so that a look-up ends after one comparison. */
interface Reaching {
  readonly fromLsn: bigint;
  readonly furthest: Need;
}

function reaching(needs: readonly Need[]): Reaching[] {
  const sorted = [...needs].sort((left, right) => compareLsn(left.fromLsn, right.fromLsn));
  let furthest = sorted[0] as Need;
  return sorted.map((need) => {
    if (furthest.toLsn !== null && (need.toLsn === null || need.toLsn > furthest.toLsn)) furthest = need;
    return { fromLsn: need.fromLsn, furthest };
  });
}

/** Something needs WAL of [start, end) when, of what begins before its end, the furthest ends behind its start. */
function findNeed(list: readonly Reaching[], startLsn: bigint, endLsn: bigint): Need | null {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((list[middle] as Reaching).fromLsn < endLsn) low = middle + 1;
    else high = middle;
  }
  const need = list[low - 1]?.furthest;
  if (need === undefined || (need.toLsn !== null && need.toLsn <= startLsn)) return null;
  return need;
}
