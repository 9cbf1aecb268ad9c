import { AppError } from "@tidemark/kit";
import {
  type ClusterLifetime,
  chooseForTarget,
  type RecoverableStretch,
  type RecoveryInput,
  type RecoveryTarget,
  recoveryWindow,
  type TimelineWindow,
  type WindowBackup,
} from "@tidemark/policy";
import { type Lsn, walSegmentStart } from "@tidemark/postgres";
import type { ArchivedCluster } from "../../point-in-time/archived-cluster.ts";
import { commitOrderSlackMs } from "./find-moment.ts";
import type { WalSpan } from "./wal-stretch.ts";

/** A part of the search that is without a hole: the names come from one backup and are followed through the WAL from its start. */
export interface MomentLeg {
  readonly backup: WindowBackup;
  /** WAL that the archive need not have, since the backup holds it itself. */
  readonly inBackup: readonly WalSpan[];
  readonly archived: readonly WalSpan[];
}

export interface MomentLegs {
  readonly cluster: ArchivedCluster;
  /** To which the way leads that is searched, its ancestors included: what is found can be restored to on it. */
  readonly timeline: number;
  /** Not the newest cluster of the server: transaction numbers of it do not name a target. */
  readonly isEarlierCluster: boolean;
  readonly legs: readonly MomentLeg[];
  /** What cannot be found however long one looks: sentences. */
  readonly limits: readonly string[];
}

interface Asked {
  readonly from: Date;
  readonly to: Date;
  /** Null: the newest that has WAL of that time. */
  readonly timeline: number | null;
}

/**
 * Divides what is to be searched into parts without a hole, each with the newest backup that ends before it. Nothing is left out
 * on the way from a backup's start: a relation's name and file are only known when every change of the catalog was seen.
 * Throws `target-unreachable` when there is no WAL of that time behind a backup.
 */
export function momentLegs(clusters: readonly ArchivedCluster[], input: RecoveryInput, asked: Asked): MomentLegs {
  const { lifetimes } = recoveryWindow(input);
  for (const lifetime of lifetimes) {
    const window = windowWith(lifetime, asked);
    const cluster = clusters.find(({ systemIdentifier }) => systemIdentifier === lifetime.systemIdentifier);
    if (window === null || cluster === undefined) continue;
    const legs = stretchesIn(window, asked).map((stretch) => legOf(cluster, input, window, stretch, asked));
    const limits = [
      ...limitsBefore(window, asked),
      ...limitsOfGaps(window, asked),
      ...elsewhere(lifetime, window, input, asked),
    ];
    return { cluster, timeline: window.timeline, isEarlierCluster: lifetime !== lifetimes[0], legs, limits };
  }
  throw nothingOfThatTime(lifetimes, asked);
}

function windowWith({ timelines }: ClusterLifetime, asked: Asked): TimelineWindow | null {
  const wanted =
    asked.timeline === null ? timelines.toReversed() : timelines.filter((one) => one.timeline === asked.timeline);
  return wanted.find((window) => stretchesIn(window, asked).length > 0) ?? null;
}

/** Behind the last commit that is known there may be more: segments that nobody read, or that arrived a moment ago. */
function stretchesIn({ stretches }: TimelineWindow, { from, to }: Asked): readonly RecoverableStretch[] {
  return stretches.filter(({ from: begin, to: end }, index) => {
    if (end.lsn === begin.lsn || (begin.at !== null && begin.at > to)) return false;
    return index === stretches.length - 1 || end.at === null || end.at >= from;
  });
}

function legOf(
  cluster: ArchivedCluster,
  input: RecoveryInput,
  { timeline }: TimelineWindow,
  stretch: RecoverableStretch,
  asked: Asked,
): MomentLeg {
  const { systemIdentifier, segmentSizeBytes } = cluster;
  const rest = { timeline, systemIdentifier, action: "promote", asStandby: false } as const;
  const choose = (target: RecoveryTarget, backupId: string | null) =>
    chooseForTarget(input, { ...rest, target, backupId });
  const backup = backupFor(input, stretch, asked, choose({ kind: "time", at: asked.from, inclusive: false }, null));
  const { backupId } = backup;
  const behind = new Date(asked.to.getTime() + commitOrderSlackMs);
  const toTime = choose({ kind: "time", at: behind, inclusive: true }, backupId);
  const choice = toTime.reachable ? toTime : choose({ kind: "latest" }, backupId);
  const archived = choice.reachable ? choice.wal : [];
  const startLsn = walSegmentStart(backup.startLsn as Lsn, segmentSizeBytes);
  const [first] = archived;
  const inBackup =
    first !== undefined && startLsn < first.fromLsn
      ? [{ timeline: backup.timeline, fromLsn: startLsn, toLsn: first.fromLsn }]
      : [];
  return { backup, inBackup, archived };
}

/** The newest that surely ends before the time: what was committed while a backup was taken is not searched from its end. */
function backupFor(
  { backups }: RecoveryInput,
  { backupIds }: RecoverableStretch,
  { from }: Asked,
  choice: ReturnType<typeof chooseForTarget>,
): WindowBackup {
  const own = backups.filter(({ backupId }) => backupIds.includes(backupId));
  const chosen = choice.reachable ? own.find(({ backupId }) => backupId === choice.backupId) : undefined;
  const byStop = own.toSorted((left, right) => (left.stopLsn < right.stopLsn ? -1 : 1));
  const before = byStop.findLast(({ stoppedAt }) => stoppedAt.getTime() < from.getTime() - clocksApartMs);
  const backup = chosen ?? before ?? byStop[0];
  if (backup === undefined) throw new AppError("internal", { message: "a recoverable stretch without a backup" });
  return backup;
}

function* limitsBefore(window: TimelineWindow, asked: Asked): Generator<string> {
  const [first] = stretchesIn(window, asked);
  const at = first?.from.at ?? null;
  if (at === null || first !== window.stretches[0] || asked.from >= at) return;
  yield `what was committed before ${sayTime(at)} cannot be found: no backup comes before it`;
}

function* limitsOfGaps({ gaps }: TimelineWindow, { from, to }: Asked): Generator<string> {
  for (const { cause, before, after } of gaps) {
    const begin = before?.at ?? null;
    const end = after?.at ?? null;
    if ((begin !== null && begin > to) || (end !== null && end < from)) continue;
    const sides = [begin === null ? null : `after ${sayTime(begin)}`, end === null ? null : `before ${sayTime(end)}`];
    const where = sides.filter((side) => side !== null).join(" and ");
    yield `WAL is missing${where === "" ? "" : ` ${where}`} (${cause}): what was done there cannot be found`;
  }
}

/** Other timelines that went their own way at that time. */
function* elsewhere(
  { timelines, systemIdentifier }: ClusterLifetime,
  window: TimelineWindow,
  input: RecoveryInput,
  { from, to }: Asked,
): Generator<string> {
  const leftAt = leavings(timelines, window);
  for (const { timeline, switchLsn } of timelines) {
    if (timeline === window.timeline) continue;
    const ownFrom = leftAt.get(timeline) ?? switchLsn ?? 0n;
    const own = [...input.segments, ...input.partials]
      .filter((one) => one.systemIdentifier === systemIdentifier && one.timeline === timeline)
      .flatMap(({ facts }) => [facts?.firstCommit, facts?.lastCommit])
      .filter((commit) => commit != null && commit.lsn > ownFrom)
      .map((commit) => commit?.at ?? from);
    if (own.some((at) => at <= to) && own.some((at) => at >= from)) {
      yield `timeline ${timeline} went its own way and was not searched; name it to search it`;
    }
  }
}

/** Where the way to a timeline leaves each of its ancestors. */
function leavings(timelines: readonly TimelineWindow[], window: TimelineWindow): ReadonlyMap<number, bigint> {
  const left = new Map<number, bigint>();
  let child: TimelineWindow | undefined = window;
  while (child !== undefined && child.parent !== null && !left.has(child.parent)) {
    left.set(child.parent, child.switchLsn ?? 0n);
    const { parent }: TimelineWindow = child;
    child = timelines.find(({ timeline }) => timeline === parent);
  }
  return left;
}

function nothingOfThatTime(lifetimes: readonly ClusterLifetime[], { from, to, timeline }: Asked): AppError {
  const stretches = (lifetimes[0]?.timelines ?? []).flatMap((window) => window.stretches);
  const first = stretches.map((stretch) => stretch.from.at).filter((at) => at !== null);
  const [earliest] = first.sort((left, right) => left.getTime() - right.getTime());
  const where = timeline === null ? "" : ` on timeline ${timeline}`;
  return new AppError("target-unreachable", {
    message: `there is no WAL behind a backup between ${sayTime(from)} and ${sayTime(to)}${where}, so there is nothing to search`,
    hint:
      earliest === undefined
        ? "it needs a backup, and the WAL after it"
        : `what can be searched begins at ${sayTime(earliest)}`,
  });
}

export function sayTime(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/** How far the server's clock may be from ours where nothing tells. */
const clocksApartMs = 600_000;
