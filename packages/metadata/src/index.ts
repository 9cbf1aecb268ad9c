export type { AuditEventRow, AuditStore, NewAuditEvent } from "./audit-store.ts";
export type {
  BackupChange,
  BackupFactsRow,
  BackupFilter,
  BackupRow,
  BackupState,
  BackupStore,
  CoverageRow,
  NewBackup,
  PlaceRow,
  ProofRow,
  ReadingRow,
  TrustRow,
  VerificationRow,
} from "./backup-store.ts";
export type { CloneChange, CloneRow, CloneState, CloneStore, NewClone } from "./clone-store.ts";
export { copyCandidates } from "./copy-candidates.ts";
export type { BackupCopyRow, CopyStore } from "./copy-store.ts";
export type {
  FindingRemedy,
  FindingRow,
  FindingStore,
  FindingSubject,
  SeenFinding,
  Severity,
} from "./finding-store.ts";
export type { IdempotencyStore, RequestKey } from "./idempotency-store.ts";
export type { InstanceRow, InstanceStore } from "./instance-store.ts";
export type { Json } from "./json.ts";
export type { HeldLease, LeaseHolder, LeaseRequest, LeaseStore } from "./lease-store.ts";
export { type MigrateOptions, migrate } from "./migrate.ts";
export type { MissedTimeRow, OfflinePeriod, OfflineStore } from "./offline-store.ts";
export { type Metadata, type MetadataOptions, openMetadata } from "./open-metadata.ts";
export { largestPage, type Page, type PageRequest } from "./page.ts";
export type { NewPolicy, PolicyRow, PolicyStore, PolicyTargets } from "./policy-store.ts";
export type { NewServer } from "./register-server.ts";
export type {
  KeySlotRow,
  NewRepository,
  RepositoryChange,
  RepositoryCredentials,
  RepositoryRow,
  RepositoryState,
  RepositoryStore,
} from "./repository-store.ts";
export {
  type ClaimedRun,
  type CreatedRun,
  type EventLevel,
  type FinalRunState,
  type FinishedRun,
  type Heartbeat,
  isFinalRunState,
  type NewRun,
  type NewRunEvent,
  type Run,
  type RunEvent,
  type RunFilter,
  type RunKind,
  type RunOutcome,
  type RunProgress,
  type RunState,
  type RunStore,
  runKinds,
  type VerifiedPartRow,
} from "./run-store.ts";
export {
  type NewSchedule,
  type ScheduleKind,
  type ScheduleRow,
  type ScheduleStore,
  scheduleKinds,
} from "./schedule-store.ts";
export { type BackupMethod, type Server, type ServerContact, type WalMode, walSlotOf } from "./server-row.ts";
export type { NewLook, ServerSnapshotRow } from "./server-snapshot.ts";
export type { NewServerMember, ServerChange, ServerMember, ServerStore } from "./server-store.ts";
export type { ApiTokenRow, NewApiToken, TokenAccess, TokenStore } from "./token-store.ts";
export type { UserRow, UserStore } from "./user-store.ts";
export {
  type WalBoard,
  type WalCandidate,
  type WalClaimStore,
  type WalWorker,
  walLeaseKey,
} from "./wal-claim-store.ts";
export type { WalFileDamageRow, WalFileKey } from "./wal-file-damage.ts";
export type { WalHoleRow } from "./wal-holes.ts";
export type {
  WalReceiverReport,
  WalReceiverRow,
  WalReceiverStateName,
  WalReceiverStore,
  WalSlotReport,
} from "./wal-receiver-store.ts";
export type { SegmentFilter } from "./wal-segment-rows.ts";
export type {
  NewWalGap,
  NewWalSegment,
  RestorePointRow,
  WalCommitRow,
  WalGapRow,
  WalSegmentKey,
  WalSegmentRow,
  WalSource,
  WalStore,
  WalSummary,
  WalTimelineRow,
} from "./wal-store.ts";
export type { WalUncopiedRow } from "./wal-uncopied.ts";
export type { DamagedWalRow, WalCoverageRow, WalVerdictRow } from "./wal-verification-rows.ts";
export type { NewWorker, WorkerRow, WorkerStore } from "./worker-store.ts";
