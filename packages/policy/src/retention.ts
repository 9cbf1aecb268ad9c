import { AppError } from "@tidemark/kit";

/**
 * What retention needs to know of one backup. States: `usable` (stored whole and not known to be damaged), `damaged`
 * (stored, but a verification or a drill found it wanting), `running`, `failed` (nothing restorable came of it).
 */
export interface RetentionCandidate {
  readonly backupId: string;
  readonly state: "usable" | "damaged" | "running" | "failed";
  readonly startedAt: Date;
  /** When the copy was consistent: the earliest moment it can restore to. Null while running or when it failed. */
  readonly stoppedAt: Date | null;
}

/** A null rule keeps nothing by itself. With no rule at all, everything is kept. */
export interface RetentionPolicy {
  /** Keep the newest n usable backups that nobody holds. */
  readonly keepLast: number | null;
  /** Keep whatever is needed to restore to any moment of the last n days. */
  readonly windowDays: number | null;
  /** Whatever the other rules say, at least so many usable backups that nobody holds stay. */
  readonly minimum: number;
}

export interface RetentionHold {
  readonly backupId: string;
  readonly by: string;
  readonly text: string;
}

export interface RetentionInput {
  readonly backups: readonly RetentionCandidate[];
  readonly policy: RetentionPolicy;
  readonly holds: readonly RetentionHold[];
  readonly now: Date;
}

export type KeepCode =
  | "hold"
  | "newest-usable"
  | "keep-last"
  | "window"
  | "window-base"
  | "minimum"
  | "running"
  | "damaged-not-superseded"
  | "no-rule";
export type DeleteCode = "beyond-rules" | "nothing-stored" | "damaged-superseded";

export interface RetentionReason<Code extends string> {
  readonly code: Code;
  readonly sentence: string;
}

export interface KeptBackup {
  readonly backupId: string;
  readonly reasons: readonly RetentionReason<KeepCode>[];
}

export interface DeletedBackup {
  readonly backupId: string;
  readonly reasons: readonly RetentionReason<DeleteCode>[];
}

/** A value: shown first, executed later, and refused when the world has changed in between. Both lists newest first. */
export interface RetentionPlan {
  readonly plannedAt: Date;
  readonly kept: readonly KeptBackup[];
  readonly deleted: readonly DeletedBackup[];
}

/**
 * Decides which backups stay and why, and which go and why. Holds never count against numbers; failed, running and
 * damaged backups never push out usable ones; the newest usable backup is never deleted.
 * Throws `policy-invalid` for a policy that makes no sense.
 */
export function planRetention(input: RetentionInput): RetentionPlan {
  checkRetentionPolicy(input.policy);
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
  keepUsable(ordered, input, keep);
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

/** Throws `policy-invalid` naming every value that makes no sense. */
export function checkRetentionPolicy(policy: RetentionPolicy): void {
  const problems: string[] = [];
  if (policy.keepLast !== null && !isCount(policy.keepLast, 1))
    problems.push("keep last must be a whole number from 1");
  if (policy.windowDays !== null && !(policy.windowDays > 0 && policy.windowDays <= longestWindowDays)) {
    problems.push(`the window must be more than 0 and at most ${longestWindowDays} days`);
  }
  if (!isCount(policy.minimum, 0)) problems.push("the minimum must be a whole number from 0");
  if (problems.length === 0) return;
  throw new AppError("policy-invalid", {
    message: `the retention policy cannot be used: ${problems.join("; ")}`,
    hint: "nothing was deleted",
  });
}

/** The policy in one sentence, as pages and the command show it. */
export function describeRetention(policy: RetentionPolicy): string {
  if (policy.keepLast === null && policy.windowDays === null) return "every backup is kept";
  const parts: string[] = [];
  if (policy.keepLast !== null)
    parts.push(policy.keepLast === 1 ? "the newest backup" : `the newest ${policy.keepLast} backups`);
  if (policy.windowDays !== null) parts.push(`all that the last ${countDays(policy.windowDays)} need`);
  const floor = policy.minimum > 0 ? `, never fewer than ${policy.minimum}` : "";
  return `keeps ${parts.join(" and ")}${floor}`;
}

type Keep = (backupId: string, code: KeepCode, sentence: string) => void;

function keepUsable(ordered: readonly RetentionCandidate[], input: RetentionInput, keep: Keep): void {
  const { policy, now } = input;
  const usable = ordered.filter((backup) => backup.state === "usable");
  const newest = usable[0];
  if (newest !== undefined) keep(newest.backupId, "newest-usable", "the newest usable backup is never deleted");
  if (policy.keepLast === null && policy.windowDays === null) {
    for (const backup of usable) keep(backup.backupId, "no-rule", "no retention rule is set, so every backup is kept");
    return;
  }
  const held = new Set(input.holds.map((hold) => hold.backupId));
  const counted = usable.filter((backup) => !held.has(backup.backupId));
  counted.slice(0, policy.keepLast ?? 0).forEach((backup, index) => {
    keep(backup.backupId, "keep-last", `number ${index + 1} of the last ${policy.keepLast} to keep`);
  });
  if (policy.windowDays !== null) keepWindow(usable, policy.windowDays, now, keep);
  counted.slice(0, policy.minimum).forEach((backup, index) => {
    keep(backup.backupId, "minimum", `number ${index + 1} of the minimum of ${policy.minimum}`);
  });
}

/** A restore to moment T starts from a backup that ended at or before T: hence the newest one before the window, too. */
function keepWindow(usable: readonly RetentionCandidate[], days: number, now: Date, keep: Keep): void {
  const windowStartMs = now.getTime() - days * dayMs;
  const within = usable.filter((backup) => endMs(backup) > windowStartMs);
  for (const backup of within) {
    keep(backup.backupId, "window", `within the window of ${countDays(days)} (since ${isoMinute(windowStartMs)})`);
  }
  const base = usable.find((backup) => endMs(backup) <= windowStartMs);
  if (base === undefined) return;
  keep(base.backupId, "window-base", `restoring to the start of the window (${isoMinute(windowStartMs)}) needs it`);
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

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

function countDays(days: number): string {
  return days === 1 ? "day" : `${days} days`;
}

function isoMinute(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** A century: longer is a typing error, and far longer would leave the range of Date. */
const longestWindowDays = 36_525;
const dayMs = 86_400_000;
