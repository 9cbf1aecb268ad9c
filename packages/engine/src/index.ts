export {
  type ActControl,
  type ActEvent,
  backupSteps,
  cloneSteps,
  copySteps,
  deltaSteps,
  drillSteps,
  expirySteps,
  fileBackupSteps,
  restoreSteps,
  type StepName,
  verifySteps,
} from "./act.ts";
export { createBackupEncoder } from "./backup/backup-encoder.ts";
export type { BackupSource, ConnectPrimary } from "./backup/backup-source.ts";
export { type BackupRequest, type TakeBackupDeps, takeBackup } from "./backup/take-backup.ts";
export { type CatalogEntry, describeBackup, listCatalog } from "./catalog.ts";
export {
  cloneRoot,
  cloneSessions,
  endClone,
  haltClone,
  locateClone,
  moveClone,
  promoteClone,
  resumeClone,
} from "./clone/clone-acts.ts";
export { type CloneGate, openGate } from "./clone/clone-gate.ts";
export { type CloneRecord, readCloneRecord } from "./clone/clone-record.ts";
export { type ExtractReport, type ExtractRequest, extractTable } from "./clone/extract-table.ts";
export { type CloneDeps, type CloneStanding, type MakeCloneRequest, makeClone } from "./clone/make-clone.ts";
export {
  type CopyDeps,
  type CopyPlan,
  type CopyReport,
  type CopyRequest,
  executeCopies,
  type PlannedCopy,
  planCopies,
} from "./copies/copy-backups.ts";
export { type HealDeps, type HealReport, healPacks } from "./copies/heal-packs.ts";
export {
  type DrillExpectations,
  noExpectations,
  type RowExpectation,
  type SqlExpectation,
} from "./drill/drill-expectations.ts";
export type { DrillCheck } from "./drill/drill-question.ts";
export type { DrillPhase, DrillRecovery, DrillReport } from "./drill/drill-report.ts";
export type { RecoveredPoint } from "./drill/follow-recovery.ts";
export type { TrialTarget } from "./drill/plan-drill.ts";
export { type DrillDeps, type DrillRequest, runDrill } from "./drill/run-drill.ts";
export { cleanScratch } from "./drill/scratch.ts";
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
} from "./expiry/expire.ts";
export { executeWalExpiry, planWalExpiry, type WalExpiryPlan, type WalExpiryReport } from "./expiry/expire-wal.ts";
export {
  type ArchivedCluster,
  readArchivedClusters,
  recoveryInputOf,
} from "./point-in-time/archived-cluster.ts";
export type { RestoreEstimate } from "./point-in-time/estimate-restore.ts";
export { type PlannedRecovery, planRecovery, type RecoveryObstacle } from "./point-in-time/plan-recovery.ts";
export type { FetchProgram, NeededSegment, RecoveryPlan, RecoveryRequest } from "./point-in-time/recovery-request.ts";
export {
  type FeedProgress,
  type RecoveryFeed,
  type RecoveryFeedRequest,
  startRecoveryFeed,
  type WalSource,
} from "./recovery/recovery-feed.ts";
export { executeRestore, type RestoreReport } from "./restore/execute-restore.ts";
export {
  type DeltaPlan,
  planRestore,
  type RestoreDeps,
  type RestorePlan,
  type RestoreRequest,
} from "./restore/plan-restore.ts";
export type { RestoreCheck } from "./restore/restore-checks.ts";
export type { DatabaseChoice } from "./restore/restore-databases.ts";
export { type Owner, resolveOwner } from "./restore/restore-owner.ts";
export type { TablespacePlace } from "./restore/restore-places.ts";
export { restoringMark } from "./restore/restore-target.ts";
export { recoverySettings } from "./restored-configuration/recovery-settings.ts";
export { type LongSlice, type SliceMonitor, startSliceMonitor } from "./slice-monitor.ts";
export type { AcknowledgedWal } from "./verify/acknowledged-wal.ts";
export { coverageOf, isInSubset, joinUse } from "./verify/coverage.ts";
export {
  type VerifyAreaRequest,
  type VerifyDeps,
  type VerifyRequest,
  verifyArea,
  verifyBackup,
} from "./verify/verify-backup.ts";
export type {
  VerifyCoverage,
  VerifyProblem,
  VerifyProblemCode,
  VerifyReport,
  VerifySubset,
  VerifyTier,
} from "./verify/verify-types.ts";
export {
  type VerifiedWalPlace,
  type VerifyWalReport,
  verifyWal,
  type WalFileVerdict,
  type WalVerdict,
} from "./verify/verify-wal.ts";
export { type BackupRelationNames, readBackupRelationNames } from "./wal/find/backup-relation-names.ts";
export {
  type ArchivedMoment,
  findArchivedMoments,
  type MomentQuestion,
  type MomentSearchReport,
} from "./wal/find/find-archived-moments.ts";
export {
  type FindMomentProgress,
  type FindMomentRequest,
  type FoundMoments,
  findMoment,
  type Moment,
} from "./wal/find/find-moment.ts";
export type { MomentChange, MomentChangeKind, MomentFilter } from "./wal/find/moment-changes.ts";
export { archivedSegments, type WalSpan, type WalStretchSegment } from "./wal/find/wal-stretch.ts";
export type {
  FoundTimeline,
  GapCause,
  ReceiveWalControl,
  ReceiveWalDeps,
  ReceiveWalRequest,
  StoredSegment,
  WalGap,
  WalReceiverPhase,
  WalReceiverState,
} from "./wal/receive/receive-types.ts";
export { receiveWal } from "./wal/receive/receive-wal.ts";
