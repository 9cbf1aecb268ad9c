export { defineJob, type Job, type QueueName, queueNames } from "./job.ts";
export type {
  QueueBackend,
  QueueOptions,
  QueuePlace,
  QueueSchedule,
  Queues,
  QueueWorker,
  Ring,
  RingHandler,
  WorkerOptions,
} from "./queues.ts";
export { type JobName, queueOfRun, RunPayload, runJob, SchedulePayload, scheduleTick } from "./run-jobs.ts";
export { parseRunRequest, type RunKind, type RunRequest, runKinds, runRequests, SealedText } from "./run-requests.ts";
export {
  BackupResult,
  ConnectionReportResult,
  DrillResult,
  RecoveryKitResult,
  RestorePlanResult,
  RestoreResult,
  RetentionResult,
  VerifyResult,
} from "./run-results.ts";
