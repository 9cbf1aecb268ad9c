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
  /** A restore of it was started and checked. */
  readonly proven: boolean;
}

/**
 * The rules. A null rule keeps nothing by itself; what any rule keeps, stays. With no rule at all, everything is kept.
 *
 * The rules by period keep the newest usable backup of each of the newest n periods in which there is one, so a server
 * that was silent for a month loses nothing by it, and no backup has to fall on a certain day.
 */
export interface RetentionPolicy {
  /** Keep the newest n usable backups that nobody holds. */
  readonly keepLast: number | null;
  /** Keep whatever is needed to restore to any moment of the last n days. */
  readonly windowDays: number | null;
  readonly daily: number | null;
  /** Weeks begin on Monday (ISO 8601). */
  readonly weekly: number | null;
  readonly monthly: number | null;
  readonly yearly: number | null;
  /** IANA name of the zone in which days, weeks, months and years begin. */
  readonly timeZone: string;
  /** Whatever the other rules say, at least so many usable backups that nobody holds stay. */
  readonly minimum: number;
}

/** The policy without a rule. */
export const keepEverything: RetentionPolicy = {
  keepLast: null,
  windowDays: null,
  daily: null,
  weekly: null,
  monthly: null,
  yearly: null,
  timeZone: "UTC",
  minimum: 1,
};

/** A week back in time and two to choose from: what a server gets when nothing is said. */
export const defaultRetention: RetentionPolicy = { ...keepEverything, windowDays: 7, minimum: 2 };

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
  | "newest-proven"
  | "keep-last"
  | "window"
  | "window-base"
  | PeriodRule
  | "minimum"
  | "running"
  | "damaged-not-superseded"
  | "no-rule";
export type DeleteCode = "beyond-rules" | "nothing-stored" | "damaged-superseded";

export type PeriodRule = "daily" | "weekly" | "monthly" | "yearly";
export const periodRules: readonly PeriodRule[] = ["daily", "weekly", "monthly", "yearly"];

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
