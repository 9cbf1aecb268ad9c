export {
  type ActControl,
  type ActEvent,
  backupSteps,
  drillSteps,
  expirySteps,
  fileBackupSteps,
  restoreSteps,
  type StepName,
  verifySteps,
} from "./act.ts";
export { createBackupEncoder } from "./backup-encoder.ts";
export type { BackupSource, ConnectPrimary } from "./backup-source.ts";
export { type CatalogEntry, describeBackup, listCatalog } from "./catalog.ts";
export type { DrillCheck } from "./drill-question.ts";
export type { DrillPhase, DrillReport } from "./drill-report.ts";
export { executeRestore, type RestoreReport } from "./execute-restore.ts";
export {
  type CollectRequest,
  collectGarbage,
  type DeletionPlan,
  type ExpiryDeps,
  type ExpiryPlan,
  type ExpiryReport,
  executeDeletion,
  executeExpiry,
  planDeletion,
  planExpiry,
} from "./expire.ts";
export { planRestore, type RestoreDeps, type RestorePlan, type RestoreRequest } from "./plan-restore.ts";
export type { RestoreCheck } from "./restore-checks.ts";
export type { Owner } from "./restore-owner.ts";
export type { TablespacePlace } from "./restore-places.ts";
export { restoringMark } from "./restore-target.ts";
export { type DrillDeps, type DrillRequest, runDrill } from "./run-drill.ts";
export { cleanScratch } from "./scratch.ts";
export { type LongSlice, type SliceMonitor, startSliceMonitor } from "./slice-monitor.ts";
export { type BackupRequest, type TakeBackupDeps, takeBackup } from "./take-backup.ts";
export {
  type VerifyDeps,
  type VerifyProblem,
  type VerifyProblemCode,
  type VerifyReport,
  type VerifyRequest,
  verifyBackup,
} from "./verify-backup.ts";
