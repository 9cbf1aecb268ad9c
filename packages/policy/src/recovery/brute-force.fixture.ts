import { type History, type HistoryRecord, type HistoryTimeline, segmentBytes } from "./random-history.fixture.ts";
import type { RecoveryInput, WindowBackup } from "./recovery-types.ts";
import type { ReachableTarget, RecoveryTarget } from "./target-types.ts";

/** A byte is there when a file of the timeline or of an ancestor (up to where that was left) holds it. */
export function hasByte(history: History, input: RecoveryInput, timeline: number, lsn: bigint): boolean {
  return wayTo(history, timeline).some(({ timeline: step, untilLsn }) => {
    if (untilLsn !== null && lsn >= untilLsn) return false;
    return filesOf(input, step).some((file) => file.startLsn <= lsn && lsn < file.endLsn);
  });
}

/** Every place between two records that a recovery of some backup can be stopped at, asked byte by byte. */
export function reachablePlaces(history: History, input: RecoveryInput, timeline: HistoryTimeline): Set<bigint> {
  const places = new Set<bigint>();
  for (const backup of input.backups) {
    const step = wayTo(history, timeline.timeline).find((each) => each.timeline === backup.timeline);
    if (step === undefined || (step.untilLsn !== null && backup.stopLsn > step.untilLsn)) continue;
    const { includedWal } = backup;
    if (includedWal !== null) places.add(backup.stopLsn);
    for (const beginLsn of includedWal === null ? [backup.startLsn] : [backup.startLsn, includedWal.endLsn]) {
      let lsn = beginLsn;
      while (hasByte(history, input, timeline.timeline, lsn)) lsn++;
      for (const { endLsn } of timeline.records) if (endLsn >= backup.stopLsn && endLsn <= lsn) places.add(endLsn);
    }
  }
  return places;
}

/**
 * What PostgreSQL would have replayed: it reads the choice's WAL (and the backup's own) record by record until the target
 * says stop. Null: it would have ended with an error.
 */
export function replay(history: History, choice: ReachableTarget): { readonly stoppedAt: bigint } | null {
  const backup = history.input.backups.find(({ backupId }) => backupId === choice.backupId) as WindowBackup;
  const there = (lsn: bigint) =>
    choice.wal.some(({ fromLsn, toLsn }) => fromLsn <= lsn && lsn < toLsn) ||
    (backup.includedWal !== null && backup.includedWal.startLsn <= lsn && lsn < backup.includedWal.endLsn);
  let reached = backup.startLsn;
  for (;;) {
    // The newest timeline's file first; an old timeline's own bytes behind a fork are read if nothing newer is there.
    const need = choice.wal.findLast(({ fromLsn, toLsn }) => fromLsn <= reached && reached < toLsn);
    const { records } = history.timelines[(need?.timeline ?? backup.timeline) - 1] as HistoryTimeline;
    const record = records.find(({ startLsn }) => startLsn === reached);
    if (record === undefined || !isThere(record, there)) break;
    const consistent = reached >= backup.stopLsn;
    if (choice.recoverAs.kind === "immediate" && consistent) return { stoppedAt: reached };
    if (stopsBefore(record, choice.recoverAs)) return consistent ? { stoppedAt: reached } : null;
    reached = record.endLsn;
    if (stopsAfter(record, choice.recoverAs)) return reached >= backup.stopLsn ? { stoppedAt: reached } : null;
  }
  const wantsAll = choice.recoverAs.kind === "latest" || choice.recoverAs.kind === "immediate";
  return wantsAll && reached >= backup.stopLsn ? { stoppedAt: reached } : null;
}

/** xlogrecovery.c, recoveryStopsBefore */
function stopsBefore(record: HistoryRecord, target: RecoveryTarget): boolean {
  if (target.kind === "lsn") return !target.inclusive && record.startLsn >= target.lsn;
  if (record.commit === null) return false;
  if (target.kind === "xid") return !target.inclusive && record.commit.xid === Number(target.xid);
  if (target.kind !== "time") return false;
  return target.inclusive ? record.commit.at > target.at : record.commit.at >= target.at;
}

/** xlogrecovery.c, recoveryStopsAfter */
function stopsAfter(record: HistoryRecord, target: RecoveryTarget): boolean {
  if (target.kind === "lsn") return target.inclusive && record.startLsn >= target.lsn;
  if (target.kind === "name") return record.restorePoint === target.name;
  return target.kind === "xid" && target.inclusive && record.commit?.xid === Number(target.xid);
}

function isThere({ startLsn, endLsn }: HistoryRecord, there: (lsn: bigint) => boolean): boolean {
  for (let lsn = startLsn; lsn < endLsn; lsn++) if (!there(lsn)) return false;
  return true;
}

function wayTo({ timelines }: History, timeline: number): { timeline: number; untilLsn: bigint | null }[] {
  const way: { timeline: number; untilLsn: bigint | null }[] = [];
  let untilLsn: bigint | null = null;
  for (let step = timelines[timeline - 1]; step !== undefined; ) {
    way.push({ timeline: step.timeline, untilLsn });
    const switchLsn: bigint = step.switchLsn;
    untilLsn = untilLsn === null || switchLsn < untilLsn ? switchLsn : untilLsn;
    step = step.parent === null ? undefined : timelines[step.parent - 1];
  }
  return way;
}

function filesOf({ segments, partials }: RecoveryInput, timeline: number) {
  const whole = segments.map((each) => ({ ...each, endLsn: each.startLsn + BigInt(segmentBytes) }));
  return [...whole, ...partials].filter((each) => each.timeline === timeline);
}
