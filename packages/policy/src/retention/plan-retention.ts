import { minuteText } from "../minute-text.ts";
import { checkRetentionPolicy, keepsEverything } from "./check-retention.ts";
import { countDays, describeRetention } from "./describe-retention.ts";
import { type PeriodNamer, periodNamer } from "./periods.ts";
import {
  type DeleteCode,
  type DeletedBackup,
  type KeepCode,
  type KeptBackup,
  type PeriodRule,
  periodRules,
  type RetentionCandidate,
  type RetentionInput,
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionReason,
} from "./retention-types.ts";

/**
 * Decides which backups stay and why, and which go and why. Holds never count against numbers; failed, running and
 * damaged backups never push out usable ones; the newest usable backup is never deleted, nor the newest proven one: what
 * nobody has restored yet does not push out what is known to restore.
 *
 * Throws `policy-invalid` for a policy that makes no sense.
 */
export function planRetention(input: RetentionInput): RetentionPlan {
  checkRetentionPolicy(input.policy);
  return planWithPeriods(input, periodNamer(input.policy.timeZone));
}

/** As `planRetention`, for whoever plans often with the same checked policy. */
export function planWithPeriods(input: RetentionInput, nameOf: PeriodNamer): RetentionPlan {
  const ordered = [...input.backups].sort(newestFirst);
  const keeps = new Map<string, RetentionReason<KeepCode>[]>();
  const keep = (backupId: string, code: KeepCode, sentence: string) => {
    const reasons = keeps.get(backupId) ?? [];
    reasons.push({ code, sentence });
    keeps.set(backupId, reasons);
  };

  for (const hold of input.holds) {
    keep(hold.backupId, "hold", hold.text === "" ? `held by ${hold.by}` : `held by ${hold.by}: ${hold.text}`);
  }
  keepUsable(ordered, input, nameOf, keep);
  keepUnusable(ordered, new Set(keeps.keys()), keep);

  const kept: KeptBackup[] = [];
  const deleted: DeletedBackup[] = [];
  for (const backup of ordered) {
    const reasons = keeps.get(backup.backupId);
    if (reasons === undefined)
      deleted.push({ backupId: backup.backupId, reasons: [reasonToDelete(backup, input.policy)] });
    else kept.push({ backupId: backup.backupId, reasons });
  }
  return { plannedAt: input.now, kept, deleted };
}

type Keep = (backupId: string, code: KeepCode, sentence: string) => void;

function keepUsable(
  ordered: readonly RetentionCandidate[],
  input: RetentionInput,
  nameOf: PeriodNamer,
  keep: Keep,
): void {
  const { policy, now } = input;
  const usable = ordered.filter((backup) => backup.state === "usable");
  const newest = usable[0];
  if (newest !== undefined) keep(newest.backupId, "newest-usable", "the newest usable backup is never deleted");
  const proven = usable.find((backup) => backup.proven);
  if (proven !== undefined) {
    keep(proven.backupId, "newest-proven", "the newest backup that a restore has proven is never deleted");
  }
  if (keepsEverything(policy)) {
    for (const backup of usable) keep(backup.backupId, "no-rule", "no retention rule is set, so every backup is kept");
    return;
  }
  const held = new Set(input.holds.map((hold) => hold.backupId));
  const counted = usable.filter((backup) => !held.has(backup.backupId));
  counted.slice(0, policy.keepLast ?? 0).forEach((backup, index) => {
    keep(backup.backupId, "keep-last", `number ${index + 1} of the last ${policy.keepLast} to keep`);
  });
  if (policy.windowDays !== null) keepWindow(usable, policy.windowDays, now, keep);
  for (const rule of periodRules) keepPeriods(counted, rule, policy[rule] ?? 0, nameOf, keep);
  counted.slice(0, policy.minimum).forEach((backup, index) => {
    keep(backup.backupId, "minimum", `number ${index + 1} of the minimum of ${policy.minimum}`);
  });
}

/** The newest of each of the newest `count` periods that have one at all. */
function keepPeriods(
  newestFirst: readonly RetentionCandidate[],
  rule: PeriodRule,
  count: number,
  nameOf: PeriodNamer,
  keep: Keep,
): void {
  const seen = new Set<string>();
  for (const backup of newestFirst) {
    if (seen.size >= count) return;
    const period = nameOf(rule, new Date(endMs(backup)));
    if (seen.has(period)) continue;
    seen.add(period);
    keep(backup.backupId, rule, `${rule} ${seen.size} of ${count} (${period})`);
  }
}

/** A restore to moment T starts from a backup that ended at or before T: hence the newest one before the window, too. */
function keepWindow(usable: readonly RetentionCandidate[], days: number, now: Date, keep: Keep): void {
  const windowStartMs = now.getTime() - days * dayMs;
  const within = usable.filter((backup) => endMs(backup) > windowStartMs);
  for (const backup of within) {
    keep(
      backup.backupId,
      "window",
      `within the window of ${countDays(days)} (since ${minuteText(new Date(windowStartMs))})`,
    );
  }
  const base = usable.find((backup) => endMs(backup) <= windowStartMs);
  if (base === undefined) return;
  keep(
    base.backupId,
    "window-base",
    `restoring to the start of the window (${minuteText(new Date(windowStartMs))}) needs it`,
  );
}

/**
 * A damaged backup may still hold the only copy of a file, so it stays while no kept usable backup is newer than it;
 * with one newer and one kept usable backup of the same age or older, nothing is lost by deleting it.
 */
function keepUnusable(ordered: readonly RetentionCandidate[], keptIds: ReadonlySet<string>, keep: Keep): void {
  const keptUsable = ordered.filter((backup) => backup.state === "usable" && keptIds.has(backup.backupId));
  const oldestKeptMs = Math.min(...keptUsable.map(endMs));
  for (const backup of ordered) {
    if (backup.state === "running") keep(backup.backupId, "running", "it is being taken now");
    else if (backup.state === "damaged" && !(endMs(backup) < oldestKeptMs && keptUsable.length > 0)) {
      keep(
        backup.backupId,
        "damaged-not-superseded",
        "damaged, and as new as a backup that is kept: parts of it may still be needed",
      );
    }
  }
}

function reasonToDelete(backup: RetentionCandidate, policy: RetentionPolicy): RetentionReason<DeleteCode> {
  if (backup.state === "failed")
    return { code: "nothing-stored", sentence: "it failed and holds nothing that can be restored" };
  if (backup.state === "damaged") {
    return { code: "damaged-superseded", sentence: "damaged, and older than every usable backup that is kept" };
  }
  return { code: "beyond-rules", sentence: `no rule needs it any more (the policy ${describeRetention(policy)})` };
}

function newestFirst(left: RetentionCandidate, right: RetentionCandidate): number {
  return endMs(right) - endMs(left) || (left.backupId < right.backupId ? 1 : left.backupId > right.backupId ? -1 : 0);
}

function endMs(backup: RetentionCandidate): number {
  return (backup.stoppedAt ?? backup.startedAt).getTime();
}

const dayMs = 86_400_000;
