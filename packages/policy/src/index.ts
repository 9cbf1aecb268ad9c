export { type CopyCandidate, type CopyLag, copyAllowedMs, copyLag } from "./copy-lag.ts";
export { proofLifetimeOf, rpoTargetOf } from "./default-targets.ts";
export { describeSchedule } from "./describe-schedule.ts";
export { type EstimateRequest, estimateRemaining, type PastRun, type RemainingRange } from "./estimate-remaining.ts";
export { type HeroServer, heroSentence } from "./hero-sentence.ts";
export { type MissedTime, type MissedTimes, missedTimes, type SilentSchedule } from "./missed-times.ts";
export { checkPolicyTargets, describeTargets, type PolicyTargets } from "./policy-targets.ts";
export {
  canBeRestored,
  type Protection,
  type ProtectionCode,
  type ProtectionFacts,
  type ProtectionReason,
  type ProtectionState,
  protectionState,
} from "./protection-state.ts";
export { chooseForTarget } from "./recovery/choose-for-target.ts";
export type {
  BaselessStretch,
  ClusterLifetime,
  KnownGap,
  LiveEdge,
  RecoverableStretch,
  RecoveryInput,
  RecoveryInstant,
  RecoveryWindow,
  TimelineWindow,
  WalGap,
  WindowBackup,
  WindowCommit,
  WindowPartial,
  WindowRestorePoint,
  WindowSegment,
  WindowSegmentFacts,
  WindowTimeline,
} from "./recovery/recovery-types.ts";
export { recoveryWindow } from "./recovery/recovery-window.ts";
export { type Rpo, type RpoFacts, rpo } from "./recovery/rpo.ts";
export type {
  ReachableTarget,
  RecoveryTarget,
  TargetChoice,
  TargetRequest,
  UnreachableTarget,
  WalNeed,
} from "./recovery/target-types.ts";
export { checkRetentionPolicy, keepsEverything } from "./retention/check-retention.ts";
export { describeRetention } from "./retention/describe-retention.ts";
export { parseRetention } from "./retention/parse-retention.ts";
export { planRetention } from "./retention/plan-retention.ts";
export { retentionPlanHash } from "./retention/retention-plan-hash.ts";
export {
  type DeleteCode,
  type DeletedBackup,
  defaultRetention,
  type KeepCode,
  type KeptBackup,
  keepEverything,
  type PeriodRule,
  periodRules,
  type RetentionCandidate,
  type RetentionHold,
  type RetentionInput,
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionReason,
} from "./retention/retention-types.ts";
export {
  type KeptSpan,
  keptAt,
  type RetentionSimulation,
  type SimulatedBackup,
  type SimulationRequest,
  simulateRetention,
  simulationSteps,
} from "./retention/simulate-retention.ts";
export {
  type MissedRun,
  missedRun,
  nextRuns,
  type ScheduleTimes,
  scheduleIntervalMs,
  validateCron,
} from "./schedule.ts";
export {
  type SlotForecast,
  type SlotForecastFacts,
  type SlotSample,
  slotForecast,
  walGrowth,
} from "./slot-forecast.ts";
export { isTimeZone } from "./time-zone.ts";
export { type VerifiedPart, type VerifyTurn, verifyTurn } from "./verify-turn.ts";
export type { WalProtectionCode, WalProtectionFacts } from "./wal-protection.ts";
export { walRetention } from "./wal-retention/wal-retention.ts";
export type {
  WalFilePlace,
  WalKeepCode,
  WalRange,
  WalRemoveCode,
  WalRetentionInput,
  WalRetentionPlan,
} from "./wal-retention/wal-retention-types.ts";
