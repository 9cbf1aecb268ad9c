import type { LifetimeWal } from "./lifetime-wal.ts";
import { earlierOf, laterOf } from "./lsn-order.ts";
import type { RecoveryInstant, WindowCommit } from "./recovery-types.ts";
import { itemIndexAt, type TimelineWal, type WalItem } from "./timeline-wal.ts";

/** One timeline on the way to another: it is followed from `fromLsn` up to `toLsn`, where the next one begins. */
export interface PathStep {
  readonly wal: TimelineWal;
  readonly fromLsn: bigint;
  /** Null on the last step. */
  readonly toLsn: bigint | null;
}

/** WAL without a hole that is read from one timeline's files. */
export interface PathPiece {
  readonly wal: TimelineWal;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

/** WAL without a hole on the way to a timeline. */
export interface PathRun {
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  readonly pieces: readonly PathPiece[];
}

/** The way of a recovery to one timeline. LSNs only ascend on it, so one number is a place. */
export interface RecoveryPath {
  readonly timeline: number;
  readonly steps: readonly PathStep[];
  readonly runs: readonly PathRun[];
}

/** The way to a timeline through its ancestors, as far as their histories are known. */
export function pathTo(lifetime: LifetimeWal, timeline: number): RecoveryPath {
  const steps: PathStep[] = [];
  let wal = lifetime.timelines.get(timeline);
  let toLsn: bigint | null = null;
  while (wal !== undefined) {
    const fromLsn: bigint = wal.switchLsn ?? 0n;
    steps.unshift({ wal, fromLsn, toLsn });
    toLsn = toLsn === null ? fromLsn : earlierOf(fromLsn, toLsn);
    wal = wal.parent === null ? undefined : lifetime.timelines.get(wal.parent);
  }
  return { timeline, steps, runs: joinPieces(piecesOf(steps)) };
}

/** The timeline to which the byte at `lsn` belongs. */
export function timelineAt(path: RecoveryPath, lsn: bigint): number {
  const step = path.steps.find(({ toLsn }) => toLsn === null || lsn < toLsn);
  return step?.wal.timeline ?? path.timeline;
}

/** The timeline on which a record that ends at `lsn` lies. */
export function timelineBefore(path: RecoveryPath, lsn: bigint): number {
  const step = path.steps.find(({ toLsn }) => toLsn === null || lsn <= toLsn);
  return step?.wal.timeline ?? path.timeline;
}

/** The run that holds all of [from, to], with `to` allowed to be its end. */
export function runWith(path: RecoveryPath, fromLsn: bigint, toLsn: bigint): PathRun | null {
  return path.runs.find((run) => run.fromLsn <= fromLsn && toLsn <= run.toLsn) ?? null;
}

/** The items a recovery reads between two places, in order, each with the end of what is read of it. */
export function* itemsBetween(run: PathRun, fromLsn: bigint, toLsn: bigint): Generator<ReadItem> {
  for (const piece of run.pieces) {
    if (piece.toLsn <= fromLsn || piece.fromLsn >= toLsn) continue;
    const start = laterOf(fromLsn, piece.fromLsn);
    const end = earlierOf(toLsn, piece.toLsn);
    for (let index = itemIndexAt(piece.wal, start); index < piece.wal.items.length; index++) {
      const item = piece.wal.items[index] as WalItem;
      if (item.startLsn >= end) break;
      yield { item, toLsn: earlierOf(item.endLsn, piece.toLsn) };
    }
  }
}

export interface ReadItem {
  readonly item: WalItem;
  /** Smaller than the item's end where the next timeline is read from. */
  readonly toLsn: bigint;
}

/** The commits known of an item that a recovery to this path meets behind `fromLsn`, in order. */
export function commitsMet({ item, toLsn }: ReadItem, fromLsn: bigint): WindowCommit[] {
  const { firstCommit = null, lastCommit = null } = item.facts ?? {};
  const known = [firstCommit, lastCommit].filter((commit) => commit !== null);
  return known.filter(({ lsn }) => lsn > fromLsn && lsn <= toLsn);
}

/** The last commit known to end at or before a place. */
export interface CommitBefore {
  readonly commit: WindowCommit | null;
  /** False when there may be a later one: a segment on the way was not read. */
  readonly certain: boolean;
  /** The place lies between the first and the last commit of a segment: those between are not known one by one, but none is later than this. */
  readonly bound: WindowCommit | null;
}

export function lastCommitUntil(run: PathRun, lsn: bigint): CommitBefore {
  let certain = true;
  for (const piece of [...run.pieces].reverse()) {
    if (piece.fromLsn >= lsn) continue;
    const end = earlierOf(lsn, piece.toLsn);
    const first = itemIndexAt(piece.wal, piece.fromLsn);
    let index = itemIndexAt(piece.wal, end - 1n);
    while (index >= first && index >= 0) {
      const commitIndex = piece.wal.lastWithCommit[index] as number;
      if ((piece.wal.lastUnread[index] as number) >= Math.max(first, commitIndex)) certain = false;
      if (commitIndex < first) break;
      const facts = (piece.wal.items[commitIndex] as WalItem).facts;
      const last = facts?.lastCommit ?? null;
      if (last !== null && last.lsn <= lsn) return { commit: last, certain, bound: null };
      const firstCommit = facts?.firstCommit ?? null;
      if (firstCommit !== null && firstCommit.lsn <= lsn) return { commit: firstCommit, certain, bound: last };
      if (last !== null && firstCommit === null) certain = false;
      index = commitIndex - 1;
    }
  }
  return { commit: null, certain, bound: null };
}

/** Where the last whole record of a run ends: what comes behind it is the beginning of one that is cut. */
export function lastRecordEnd(run: PathRun): bigint {
  for (const piece of [...run.pieces].reverse()) {
    const first = itemIndexAt(piece.wal, piece.fromLsn);
    for (let index = itemIndexAt(piece.wal, piece.toLsn - 1n); index >= first && index >= 0; index--) {
      const { facts } = piece.wal.items[index] as WalItem;
      // Nobody read it: the bytes are there, and whether a record is cut at the end cannot be told.
      if (facts === null) return run.toLsn;
      // A parent may have gone on behind the fork; up to there its last record is whole.
      if (facts.lastRecordEnd !== null) return earlierOf(facts.lastRecordEnd, piece.toLsn);
    }
  }
  return run.toLsn;
}

/** A place on the path with the time of the last commit before it. */
export function instantAt(path: RecoveryPath, run: PathRun | null, lsn: bigint): RecoveryInstant {
  const at = run === null ? null : (lastCommitUntil(run, lsn).commit?.at ?? null);
  return { timeline: timelineBefore(path, lsn), lsn, at };
}

/**
 * Newest timeline first: where two timelines have the segment in which the younger begins, PostgreSQL reads the younger's,
 * and its copy of the older bytes serves when the older's own file never came whole.
 */
function piecesOf(steps: readonly PathStep[]): PathPiece[] {
  const pieces: PathPiece[] = [];
  let limit: bigint | null = null;
  for (const { wal, fromLsn } of [...steps].reverse()) {
    const own: PathPiece[] = [];
    for (const run of wal.runs) {
      const toLsn: bigint = limit === null ? run.toLsn : earlierOf(limit, run.toLsn);
      if (run.fromLsn < toLsn) own.push({ wal, fromLsn: run.fromLsn, toLsn });
    }
    pieces.unshift(...own);
    for (const bound of [fromLsn, own[0]?.fromLsn]) {
      if (bound !== undefined) limit = limit === null ? bound : earlierOf(bound, limit);
    }
  }
  return pieces;
}

function joinPieces(pieces: readonly PathPiece[]): PathRun[] {
  const runs: { fromLsn: bigint; toLsn: bigint; pieces: PathPiece[] }[] = [];
  for (const piece of pieces) {
    const run = runs.at(-1);
    if (run !== undefined && run.toLsn === piece.fromLsn) {
      run.toLsn = piece.toLsn;
      run.pieces.push(piece);
    } else runs.push({ fromLsn: piece.fromLsn, toLsn: piece.toLsn, pieces: [piece] });
  }
  return runs;
}
