export { describeSchedule } from "./describe-schedule.ts";
export { type EstimateRequest, estimateRemaining, type PastRun, type RemainingRange } from "./estimate-remaining.ts";
export { type HeroServer, heroSentence } from "./hero-sentence.ts";
export { type MissedTime, type MissedTimes, missedTimes, type SilentSchedule } from "./missed-times.ts";
export {
  canBeRestored,
  type Protection,
  type ProtectionCode,
  type ProtectionFacts,
  type ProtectionReason,
  type ProtectionState,
  protectionState,
} from "./protection-state.ts";
export {
  checkRetentionPolicy,
  type DeleteCode,
  type DeletedBackup,
  describeRetention,
  type KeepCode,
  type KeptBackup,
  planRetention,
  type RetentionCandidate,
  type RetentionHold,
  type RetentionInput,
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionReason,
} from "./retention.ts";
export { retentionPlanHash } from "./retention-plan-hash.ts";
export {
  type MissedRun,
  missedRun,
  nextRuns,
  type ScheduleTimes,
  scheduleIntervalMs,
  validateCron,
} from "./schedule.ts";
