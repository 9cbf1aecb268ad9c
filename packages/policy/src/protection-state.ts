import { assertNever, formatAge } from "@tidemark/kit";
import { defaultProofDays } from "./default-targets.ts";
import { minuteText } from "./minute-text.ts";
import { type ScheduleTimes, scheduleIntervalMs } from "./schedule.ts";
import { type WalProtectionCode, type WalProtectionFacts, walReasons } from "./wal-protection.ts";

/**
 * How safe a server is, best first. `protected` is the only green one: a dated drill started a real PostgreSQL from a
 * backup and its checks passed, backups arrive as scheduled, and where WAL is kept there is no gap in it and what would be lost is
 * within the target. `unknown` means we could not find out.
 */
export type ProtectionState = "protected" | "unproven" | "degraded" | "at-risk" | "unprotected" | "unknown";

export type ProtectionCode =
  | "facts-unknown"
  | "no-restorable-backup"
  | "backup-far-overdue"
  | "last-drill-failed"
  | "newest-backup-damaged"
  | "backup-blocked"
  | "offline"
  | "backup-late"
  | "backups-failing"
  | "suspect-pages"
  | "older-backup-damaged"
  | "no-backup-schedule"
  | "never-proven"
  | "proof-too-old"
  | "proven"
  | "verification-late"
  | WalProtectionCode;

export interface ProtectionReason {
  readonly code: ProtectionCode;
  readonly sentence: string;
}

/** What is known of one server. Times are those of its repository and runs, not of when somebody looked. */
export interface ProtectionFacts {
  /** When the repository was last read; null when it could not be. */
  readonly readAt: Date | null;
  /** End of the newest backup that can be restored, damaged or not; null when there is none. */
  readonly newestRestorable: {
    readonly stoppedAt: Date;
    readonly damaged: boolean;
    readonly suspectPageCount: number;
  } | null;
  /** Other kept backups known to be damaged. */
  readonly olderDamagedCount: number;
  /** The enabled backup schedule, or null. */
  readonly schedule: ScheduleTimes | null;
  /** Backup runs that failed since the last one that succeeded. */
  readonly failuresInRow: number;
  /** The last drill that ended proven or failed ("not possible here" is no verdict). */
  readonly lastDrill: { readonly outcome: "proven" | "failed"; readonly at: Date } | null;
  readonly lastProvenAt: Date | null;
  /** What was found by open findings that block backups (severity `blocks-backup`), as sentences. */
  readonly blockingFindings: readonly string[];
  /** Since when and by whom it is set offline; null when it is online. */
  readonly offline: { readonly since: Date; readonly by: string } | null;
  /** Null or left out: nothing is said of its WAL. */
  readonly wal?: WalProtectionFacts | null;
  /** Said of what was not verified for longer than the policy promises; left out or null: nothing is late, or promised. */
  readonly verificationLate?: string | null;
  /** How old a proof may be, in milliseconds; left out: `defaultProofDays`. */
  readonly proofLifetimeMs?: number;
}

export interface Protection {
  readonly state: ProtectionState;
  /** Worst first; the first one made the state. */
  readonly reasons: readonly ProtectionReason[];
}

/** The state of one server and why: the worst thing that is true of it. */
export function protectionState(facts: ProtectionFacts, now: Date): Protection {
  const reasons = [...collectReasons(facts, now)];
  reasons.sort((left, right) => stateOrder.indexOf(stateOf(right.code)) - stateOrder.indexOf(stateOf(left.code)));
  const first = reasons[0];
  return { state: first === undefined ? "unknown" : stateOf(first.code), reasons };
}

/** Whether a restore would give a server back, whatever else is wrong: what the hero sentence counts. */
export function canBeRestored(state: ProtectionState): boolean {
  return state === "protected" || state === "unproven" || state === "degraded" || state === "at-risk";
}

function* collectReasons(facts: ProtectionFacts, now: Date): Generator<ProtectionReason> {
  if (facts.readAt === null) {
    yield { code: "facts-unknown", sentence: "the repository could not be read, so nothing is known" };
    return;
  }
  yield* presentReasons(facts);
  const newest = facts.newestRestorable;
  if (newest === null) {
    yield { code: "no-restorable-backup", sentence: "there is no backup that can be restored" };
    return;
  }
  yield* backupReasons(facts, newest, now);
  yield* proofReasons(facts, now);
  if (facts.verificationLate != null) yield { code: "verification-late", sentence: facts.verificationLate };
  if (facts.wal != null) yield* walReasons(facts.wal, facts.proofLifetimeMs ?? defaultProofLifetimeMs, now);
}

/** What keeps the next backup from being taken, whatever the last ones are worth. */
function* presentReasons({ blockingFindings, offline }: ProtectionFacts): Generator<ProtectionReason> {
  if (offline !== null) {
    const sentence = `it is offline since ${minuteText(offline.since)} (by ${offline.by}): schedules are stopped`;
    yield { code: "offline", sentence };
  }
  for (const finding of blockingFindings) {
    yield { code: "backup-blocked", sentence: `no backup can be taken: ${finding}` };
  }
}

function* backupReasons(
  facts: ProtectionFacts,
  newest: NonNullable<ProtectionFacts["newestRestorable"]>,
  now: Date,
): Generator<ProtectionReason> {
  if (newest.damaged) yield { code: "newest-backup-damaged", sentence: "the newest backup is damaged" };
  if (newest.suspectPageCount > 0) {
    const pages = newest.suspectPageCount === 1 ? "one page" : `${newest.suspectPageCount} pages`;
    yield { code: "suspect-pages", sentence: `${pages} of the newest backup did not match their checksum` };
  }
  if (facts.olderDamagedCount > 0) {
    const count =
      facts.olderDamagedCount === 1 ? "one older backup is" : `${facts.olderDamagedCount} older backups are`;
    yield { code: "older-backup-damaged", sentence: `${count} damaged` };
  }
  if (facts.failuresInRow > 0) {
    const runs = facts.failuresInRow === 1 ? "the last backup run" : `the last ${facts.failuresInRow} backup runs`;
    yield { code: "backups-failing", sentence: `${runs} failed` };
  }
  if (facts.schedule === null) {
    yield { code: "no-backup-schedule", sentence: "no schedule takes backups of it" };
    return;
  }
  const ageMs = now.getTime() - newest.stoppedAt.getTime();
  const intervalMs = scheduleIntervalMs(facts.schedule, now);
  const sentence = `the newest backup is ${formatAge(ageMs)} old, and one is due every ${formatAge(intervalMs)}`;
  if (ageMs > farOverdueFactor * intervalMs + latenessGraceMs) yield { code: "backup-far-overdue", sentence };
  else if (ageMs > lateFactor * intervalMs + latenessGraceMs) yield { code: "backup-late", sentence };
}

function* proofReasons(facts: ProtectionFacts, now: Date): Generator<ProtectionReason> {
  if (facts.lastDrill?.outcome === "failed") {
    const ago = formatAge(now.getTime() - facts.lastDrill.at.getTime());
    yield { code: "last-drill-failed", sentence: `the last drill failed ${ago} ago` };
  }
  if (facts.lastProvenAt === null) {
    yield { code: "never-proven", sentence: "no drill has restored, started and checked it yet" };
    return;
  }
  const ageMs = now.getTime() - facts.lastProvenAt.getTime();
  const lifetimeMs = facts.proofLifetimeMs ?? defaultProofLifetimeMs;
  if (ageMs > lifetimeMs) {
    const sentence = `the last proven restore is ${formatAge(ageMs)} old, and a proof counts for ${formatAge(lifetimeMs)}`;
    yield { code: "proof-too-old", sentence };
  } else {
    yield { code: "proven", sentence: `restored, started and checked ${formatAge(ageMs)} ago` };
  }
}

function stateOf(code: ProtectionCode): ProtectionState {
  switch (code) {
    case "facts-unknown":
      return "unknown";
    case "no-restorable-backup":
      return "unprotected";
    case "backup-far-overdue":
    case "last-drill-failed":
    case "newest-backup-damaged":
    case "backup-blocked":
    case "slot-lost":
    case "wal-behind-gap":
    case "rpo-far-over-target":
      return "at-risk";
    case "offline":
    case "backup-late":
    case "backups-failing":
    case "suspect-pages":
    case "older-backup-damaged":
    case "no-backup-schedule":
    case "verification-late":
    case "wal-gap":
    case "receiver-down":
    case "slot-in-danger":
    case "rpo-over-target":
    case "rpo-unknown":
    case "rto-over-target":
      return "degraded";
    case "never-proven":
    case "proof-too-old":
    case "instant-never-proven":
    case "instant-proof-too-old":
      return "unproven";
    case "proven":
    case "restorable-only-to-backups":
      return "protected";
    default:
      return assertNever(code);
  }
}

const stateOrder: readonly ProtectionState[] = [
  "protected",
  "unproven",
  "degraded",
  "at-risk",
  "unprotected",
  "unknown",
];

/** Backups take time and bells ring late: a quarter of an interval more than one is not yet late. */
const lateFactor = 1.25;
/** Three intervals: at least two runs in a row gave nothing. */
const farOverdueFactor = 3;
/** For schedules of minutes, where a quarter of the interval is less than a backup takes. */
const latenessGraceMs = 10 * 60_000;
const defaultProofLifetimeMs = defaultProofDays * 86_400_000;
