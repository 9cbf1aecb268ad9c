import { assertNever } from "@tidemark/kit";
import { indexLifetimes, type LifetimeWal } from "./lifetime-wal.ts";
import { basesOf, type PathBase } from "./path-bases.ts";
import { pathTo, type RecoveryPath, timelineBefore } from "./recovery-path.ts";
import type { RecoveryInput } from "./recovery-types.ts";
import { stretchesOf } from "./recovery-window.ts";
import { refuse, refuseAmbiguous, refuseUnlocated } from "./refuse-target.ts";
import {
  commitOf,
  placeOfImmediate,
  placeOfLatest,
  placeOfLsn,
  placeOfRecord,
  placeOfTime,
  restorePointsNamed,
  type TargetPlace,
  whereToSearch,
} from "./target-places.ts";
import type { RecoveryTarget, TargetChoice, TargetRequest, UnreachableTarget } from "./target-types.ts";
import { historiesOf, walNeeds } from "./wal-needs.ts";

/**
 * Chooses the backup (the newest that ends before the target) and the WAL for a target, or says why it cannot be reached
 * and which instants on both sides can. Nothing has to be copied to know.
 */
export function chooseForTarget(input: RecoveryInput, request: TargetRequest): TargetChoice {
  const wanted = request.systemIdentifier ?? null;
  const all = indexLifetimes(input).filter((each) => wanted === null || each.systemIdentifier === wanted);
  // A time or a name says which lifetime is meant; an LSN or a transaction number means something in each.
  const several = request.target.kind === "time" || request.target.kind === "name" || request.backupId != null;
  let refusal: UnreachableTarget | null = null;
  for (const lifetime of several ? all : all.slice(0, 1)) {
    const choice = chooseInLifetime(lifetime, request);
    if (choice.reachable || choice.code !== "target-unreachable") return choice;
    refusal ??= choice;
  }
  return refusal ?? refuse([], request.target, "there is neither a backup nor WAL of it");
}

function chooseInLifetime(lifetime: LifetimeWal, request: TargetRequest): TargetChoice {
  let refusal: UnreachableTarget | null = null;
  const tried = timelinesToTry(lifetime, request.timeline);
  for (const timeline of tried) {
    const choice = chooseOnTimeline(lifetime, timeline, request);
    if (choice.reachable || choice.code !== "target-unreachable") return choice;
    refusal ??= choice;
  }
  refusal ??= refuse([], request.target, "there is no backup of it");
  const elsewhere = [...lifetime.timelines.keys()].findLast(
    (timeline) => !tried.includes(timeline) && chooseOnTimeline(lifetime, timeline, { ...request, timeline }).reachable,
  );
  if (elsewhere === undefined) return refusal;
  return { ...refusal, sentence: `${refusal.sentence}; on timeline ${elsewhere} it can be reached` };
}

function timelinesToTry(lifetime: LifetimeWal, timeline: TargetRequest["timeline"]): readonly number[] {
  if (typeof timeline === "number") return [timeline];
  if (timeline === "latest") return newestReached(lifetime);
  const byTime = [...lifetime.backups].sort((left, right) => right.stoppedAt.getTime() - left.stoppedAt.getTime());
  return [...new Set(byTime.map((backup) => backup.timeline))];
}

/**
 * The highest number is not enough: a history that came from elsewhere, or a timeline whose own WAL no backup leads into, has
 * nothing to recover to. When no timeline has, the newest with a backup on its way is taken, for its refusal.
 */
function newestReached(lifetime: LifetimeWal): readonly number[] {
  const numbers = [...lifetime.timelines.keys()].reverse();
  const reached = numbers.find((timeline) => {
    const path = pathTo(lifetime, timeline);
    const begin = path.steps.at(-1)?.fromLsn ?? 0n;
    return stretchesOf(path, basesOf(lifetime, path), null).some(({ to }) => to.lsn > begin);
  });
  const chosen = reached ?? numbers[0];
  return chosen === undefined ? [] : [chosen];
}

function chooseOnTimeline(lifetime: LifetimeWal, timeline: number, request: TargetRequest): TargetChoice {
  const { target } = request;
  const path = pathTo(lifetime, timeline);
  if (path.steps.length === 0) return refuse([], target, `timeline ${timeline} is not known`);
  const onPath = basesOf(lifetime, path);
  const bases = onPath.filter(
    ({ backup }) =>
      (request.timeline !== "current" || backup.timeline === timeline) &&
      (request.backupId == null || backup.backupId === request.backupId),
  );
  const stretches = stretchesOf(path, bases, null);
  if (bases.length === 0) return refuse([], target, noBase(lifetime, onPath, timeline, request.backupId ?? null));
  const place = placeFor(path, bases, request);
  if (place === null) return refuse(stretches, target, null);
  if ("reachable" in place) return place;
  return {
    reachable: true,
    systemIdentifier: lifetime.systemIdentifier,
    backupId: place.base.backup.backupId,
    timeline,
    recoverAs: place.recoverAs,
    through: { timeline: timelineBefore(path, place.throughLsn), lsn: place.throughLsn, at: place.at },
    wal: walNeeds(place.base, place.throughLsn),
    histories: historiesOf(path),
    gap: place.gap ?? null,
    notes: place.notes,
  };
}

function placeFor(
  path: RecoveryPath,
  bases: readonly PathBase[],
  request: TargetRequest,
): TargetPlace | UnreachableTarget | null {
  const { target } = request;
  switch (target.kind) {
    case "immediate":
      return placeOfImmediate(bases);
    case "latest":
      return placeOfLatest(path, bases);
    case "time":
      return placeOfTime(bases, target);
    case "lsn":
      return placeOfLsn(bases, target);
    case "xid":
      return placeOfXid(path, bases, target, request);
    case "name":
      return placeOfName(path, bases, target, request);
    default:
      return assertNever(target);
  }
}

function placeOfXid(
  path: RecoveryPath,
  bases: readonly PathBase[],
  target: Extract<RecoveryTarget, { readonly kind: "xid" }>,
  { located }: TargetRequest,
): TargetPlace | UnreachableTarget | null {
  const xid = Number(BigInt.asUintN(32, BigInt(target.xid)));
  const found = located ?? commitOf(bases, xid);
  if (found !== null) {
    if (located != null && !isOn(path, located)) return null;
    return placeOfRecord(bases, found.lsn, { ...target, xid }, found.at);
  }
  const search = whereToSearch(bases, xid);
  return search.length === 0 ? null : refuseUnlocated(stretchesOf(path, bases, null), xid, search);
}

/** The segment in which a timeline begins repeats the end of the older one, and is read from the younger's file. */
function isOn(path: RecoveryPath, { timeline, lsn }: NonNullable<TargetRequest["located"]>): boolean {
  if (timelineBefore(path, lsn) === timeline) return true;
  return path.runs.some(({ pieces }) =>
    pieces.some(({ wal, fromLsn, toLsn }) => wal.timeline === timeline && fromLsn < lsn && lsn <= toLsn),
  );
}

function placeOfName(
  path: RecoveryPath,
  bases: readonly PathBase[],
  target: Extract<RecoveryTarget, { readonly kind: "name" }>,
  { located }: TargetRequest,
): TargetPlace | UnreachableTarget | null {
  const points = restorePointsNamed(path, target.name);
  const stretches = stretchesOf(path, bases, null);
  if (located != null) {
    if (timelineBefore(path, located.lsn) !== located.timeline) return null;
    // By its end, since the name would stop at the first of them.
    return placeOfLsn(bases, { kind: "lsn", lsn: located.lsn, inclusive: false });
  }
  const reachable = points.filter(({ lsn, at }) => placeOfRecord(bases, lsn, target, at) !== null);
  const [point] = reachable;
  if (point === undefined) {
    return points.length === 0 ? refuse(stretches, target, `there is no restore point "${target.name}"`) : null;
  }
  if (reachable.length > 1) return refuseAmbiguous(target.name, reachable);
  const place = placeOfRecord(bases, point.lsn, target, point.at);
  const startLsn = place?.base.backup.startLsn ?? 0n;
  // One that the backup replays before it is consistent would end the recovery with an error. What only the backup's own WAL
  // holds nobody read.
  const inTheWay = points.some(({ lsn }) => startLsn < lsn && lsn < point.lsn);
  const unread = place?.base.run != null && place.base.run.fromLsn > startLsn;
  return inTheWay || unread ? placeOfLsn(bases, { kind: "lsn", lsn: point.lsn, inclusive: false }) : place;
}

function noBase(lifetime: LifetimeWal, onPath: readonly PathBase[], timeline: number, backupId: string | null): string {
  if (backupId === null || onPath.length === 0) return `no backup leads to timeline ${timeline}`;
  if (!lifetime.backups.some((backup) => backup.backupId === backupId)) return `there is no backup ${backupId}`;
  return `backup ${backupId} does not lie on the way to timeline ${timeline}, or WAL it needs is missing`;
}
