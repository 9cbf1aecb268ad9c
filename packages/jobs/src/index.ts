export { FindMomentRequest, FindMomentResult, MomentChangeKind } from "./find-moment.ts";
export { defineJob, type Job, type QueueName, queueNames } from "./job.ts";
export { openQueues } from "./open-queues.ts";
export type {
  QueueBackend,
  QueueOptions,
  QueuePlace,
  QueueSchedule,
  Queues,
  QueueWorker,
  Ring,
  RingAgain,
  RingHandler,
  WorkerOptions,
} from "./queues.ts";
export { RecoveryTargetJson, RestoreRecoveryJson, TargetRequestJson } from "./recovery-target.ts";
export { type JobName, queueOfRun, RunPayload, runJob, SchedulePayload, scheduleTick } from "./run-jobs.ts";
export {
  BackupMethod,
  KeyAct,
  parseRunRequest,
  type RunKind,
  type RunRequest,
  type RunRequestInput,
  runKinds,
  runRequests,
  SealedText,
  WalMode,
  WalSlotName,
} from "./run-requests.ts";
export {
  BackupResult,
  CloneActResult,
  CloneResult,
  ConnectionReportResult,
  CopyResult,
  DrillResult,
  RebuildCatalogResult,
  RecoveryKitResult,
  RepositoryKeysResult,
  RestorePlanResult,
  RestoreResult,
  RetentionResult,
  VerifyResult,
} from "./run-results.ts";
export { readFileLimitBytes, ServerAct, ServerActResult, SlotDropPlan, SlotName } from "./server-acts.ts";
export { InspectResult, PrivilegesResult, ServerCheckResult } from "./server-checks.ts";
export { ServerSnapshotDocument } from "./server-snapshot.ts";
export {
  CloneAct,
  CloneRequest,
  DrillExpectationsJson,
  DrillSettingsJson,
  storedDrillSettings,
  TimelineChoice,
  TrialTargetJson,
} from "./trial-requests.ts";
