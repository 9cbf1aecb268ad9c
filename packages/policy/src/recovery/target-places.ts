import { compareLsn, earlierOf, laterOf } from "./lsn-order.ts";
import type { PathBase } from "./path-bases.ts";
import {
  commitsMet,
  itemsBetween,
  lastCommitUntil,
  lastRecordEnd,
  type PathRun,
  type RecoveryPath,
  timelineAt,
  timelineBefore,
} from "./recovery-path.ts";
import type { WindowRestorePoint } from "./recovery-types.ts";
import type { GapBehind, RecoveryTarget } from "./target-types.ts";
import { itemIndexAt } from "./timeline-wal.ts";

/** A base from which the target is reached, what to ask of PostgreSQL, and how much WAL that takes. */
export interface TargetPlace {
  readonly base: PathBase;
  readonly recoverAs: RecoveryTarget;
  readonly throughLsn: bigint;
  readonly at: Date | null;
  /** Left out: none. */
  readonly gap?: GapBehind | null;
  readonly notes: readonly string[];
}

type Of<Kind extends RecoveryTarget["kind"]> = Extract<RecoveryTarget, { readonly kind: Kind }>;

/** The end of the newest backup. */
export function placeOfImmediate(bases: readonly PathBase[]): TargetPlace | null {
  const base = bases.at(-1);
  if (base === undefined) return null;
  return { base, recoverAs: { kind: "immediate" }, throughLsn: base.backup.stopLsn, at: null, notes: [] };
}

/** The end of the WAL that goes on from the newest backup. */
export function placeOfLatest(path: RecoveryPath, bases: readonly PathBase[]): TargetPlace | null {
  const base = bases.at(-1);
  if (base === undefined) return null;
  const throughLsn = endOf(base);
  const at = base.run === null ? null : (lastCommitUntil(base.run, throughLsn).commit?.at ?? null);
  const fromLsn = base.run?.toLsn ?? base.backup.includedWal?.endLsn ?? throughLsn;
  const next = path.runs.find((run) => run.fromLsn > fromLsn);
  const gap = next === undefined ? null : { timeline: timelineAt(path, fromLsn), fromLsn, toLsn: next.fromLsn };
  const notes = gap === null ? [] : ["there is newer WAL behind a gap, and no backup after the gap yet"];
  return { base, recoverAs: endTarget(base, throughLsn), throughLsn, at, gap, notes };
}

/**
 * PostgreSQL stops before the first commit, in the order of the WAL, that is later than the target (exclusive: not earlier). With no
 * such commit it ends with an error; the time of the very last commit is therefore asked for as that transaction, where no
 * unread WAL behind it may hold another one.
 */
export function placeOfTime(bases: readonly PathBase[], target: Of<"time">): TargetPlace | null {
  const targetMs = target.at.getTime();
  const tried = new Set<PathRun>();
  for (const base of bases.toReversed()) {
    const { run, backup } = base;
    if (run === null || base.committedUntilMs >= targetMs || tried.has(run)) continue;
    tried.add(run);
    for (const read of itemsBetween(run, backup.stopLsn, run.toLsn)) {
      const stop = commitsMet(read, backup.stopLsn).find(
        ({ at }) => at.getTime() > targetMs || (!target.inclusive && at.getTime() === targetMs),
      );
      if (stop !== undefined) return { base, recoverAs: target, throughLsn: stop.lsn, at: stop.at, notes: [] };
    }
    const { commit: last, certain } = lastCommitUntil(run, run.toLsn);
    if (target.inclusive && last !== null && last.lsn > backup.stopLsn && last.at.getTime() === targetMs) {
      // Others of the same millisecond may follow: to stop at this transaction would leave them out in silence.
      if (!certain) return { base, recoverAs: target, throughLsn: run.toLsn, at: last.at, notes: [unreadNote] };
      const recoverAs = { kind: "xid", xid: last.xid, inclusive: true } as const;
      return { base, recoverAs, throughLsn: last.lsn, at: last.at, notes: [lastCommitNote(last.xid)] };
    }
  }
  return null;
}

/** An LSN between the stop of a backup and the end of the last whole record. */
export function placeOfLsn(bases: readonly PathBase[], target: Of<"lsn">): TargetPlace | null {
  const base = bases.findLast((each) => each.backup.stopLsn <= target.lsn && target.lsn <= endOf(each));
  if (base === undefined) return null;
  const { run } = base;
  if (run === null) return placeOfImmediate([base]);
  const at = lastCommitUntil(run, target.lsn).commit?.at ?? null;
  if (target.lsn === lastRecordEnd(run)) {
    return { base, recoverAs: endTarget(base, target.lsn), throughLsn: target.lsn, at, notes: [] };
  }
  return { base, recoverAs: target, throughLsn: endOfRecordAt(run, target.lsn), at, notes: [] };
}

/** A record (a commit, say) that ends at `lsn`, to be met by a recovery. */
export function placeOfRecord(
  bases: readonly PathBase[],
  lsn: bigint,
  recoverAs: RecoveryTarget,
  at: Date | null,
): TargetPlace | null {
  const base = bases.findLast(
    ({ backup, run }) => run !== null && backup.stopLsn < lsn && lsn <= run.toLsn && run.fromLsn < lsn,
  );
  return base === undefined ? null : { base, recoverAs, throughLsn: lsn, at, notes: [] };
}

/** The restore points of one name on a path, oldest first. */
export function restorePointsNamed(
  path: RecoveryPath,
  name: string,
): readonly (WindowRestorePoint & { readonly timeline: number })[] {
  const found = new Map<bigint, WindowRestorePoint & { readonly timeline: number }>();
  for (const { wal, toLsn } of path.steps) {
    for (const point of wal.restorePoints) {
      if (point.name !== name || (toLsn !== null && point.lsn > toLsn)) continue;
      found.set(point.lsn, { ...point, timeline: timelineBefore(path, point.lsn) });
    }
  }
  return [...found.values()].sort((left, right) => compareLsn(left.lsn, right.lsn));
}

/** Where a transaction's commit is, when it is the first or the last of a segment. */
export function commitOf(bases: readonly PathBase[], xid: number): { readonly lsn: bigint; readonly at: Date } | null {
  for (const { run, from } of searchableRuns(bases)) {
    for (const read of itemsBetween(run, from, run.toLsn)) {
      const commit = commitsMet(read, from).find((each) => each.xid === xid);
      if (commit !== undefined) return commit;
    }
  }
  return null;
}

/**
 * Where the commit of a transaction may be: most likely where its number is first passed, since numbers are given out in order;
 * it may have come a little earlier, or much later when the transaction was long.
 */
export function whereToSearch(bases: readonly PathBase[], xid: number) {
  const likely: { timeline: number; fromLsn: bigint; toLsn: bigint }[] = [];
  const others: typeof likely = [];
  for (const { run, from } of searchableRuns(bases)) {
    let passed: bigint | null = null;
    for (const read of itemsBetween(run, from, run.toLsn)) {
      if (!commitsMet(read, from).some((commit) => isNotBefore(commit.xid, xid))) continue;
      passed = read.item.startLsn;
      break;
    }
    for (const { wal, fromLsn, toLsn } of run.pieces) {
      const begin = laterOf(fromLsn, from);
      const middle = laterOf(begin, earlierOf(passed ?? toLsn, toLsn));
      if (middle < toLsn) likely.push({ timeline: wal.timeline, fromLsn: middle, toLsn });
      if (begin < middle) others.push({ timeline: wal.timeline, fromLsn: begin, toLsn: middle });
    }
  }
  return [...likely, ...others];
}

/** Each run once, from the stop of its first base, the newest first. */
function searchableRuns(bases: readonly PathBase[]): { readonly run: PathRun; readonly from: bigint }[] {
  const runs = new Map<PathRun, bigint>();
  for (const { run, backup } of bases) if (run !== null && !runs.has(run)) runs.set(run, backup.stopLsn);
  return [...runs].map(([run, from]) => ({ run, from })).reverse();
}

/** Transaction numbers go round: the half of them behind one is later (TransactionIdPrecedes). */
function isNotBefore(xid: number, other: number): boolean {
  return ((xid - other) | 0) >= 0;
}

function endOf({ run, backup }: PathBase): bigint {
  return run === null ? backup.stopLsn : laterOf(lastRecordEnd(run), backup.stopLsn);
}

/**
 * What to ask for to get everything up to a run's end. Where that is a fork behind which the child's WAL is missing, PostgreSQL
 * would go on in the parent's file with what the child never had; there it has to stop at the fork.
 */
function endTarget({ run, backup }: PathBase, lsn: bigint): RecoveryTarget {
  const piece = run?.pieces.at(-1);
  const item = piece?.wal.items[itemIndexAt(piece.wal, piece.toLsn - 1n)];
  const goesOn = item?.facts == null || (item.facts.lastRecordEnd ?? 0n) > lsn;
  const forked = piece !== undefined && item !== undefined && item.endLsn > piece.toLsn;
  if (!forked || !goesOn) return { kind: "latest" };
  return lsn === backup.stopLsn ? { kind: "immediate" } : { kind: "lsn", lsn, inclusive: false };
}

/** A record that begins at `lsn` has ended where a later one is known to have. */
function endOfRecordAt(run: PathRun, lsn: bigint): bigint {
  let unread = 0;
  for (const { item, toLsn } of itemsBetween(run, lsn, run.toLsn)) {
    const end = item.facts?.lastRecordEnd ?? null;
    if (end !== null && end > lsn) return earlierOf(end, toLsn);
    // Of a segment that nobody read one more is taken, should the record go on into it.
    if (item.facts === null && ++unread === 2) return toLsn;
  }
  return run.toLsn;
}

const unreadNote =
  "that is the last commit known, and WAL behind it was not read: without a later commit in it recovery ends with an error";

function lastCommitNote(xid: number): string {
  return `that is the last commit there is, so recovery stops at its transaction (${xid}), not by its time`;
}
