export { combineCrc32c, crc32c } from "@tidemark/kit";
export {
  type BackgroundSwitch,
  type BackgroundSwitchOptions,
  type BackgroundSwitchReport,
  switchWalInBackground,
} from "./acts/background-switch.ts";
export { BackupSession, type BackupSessionRequest, type BackupSessionStop } from "./acts/backup-session.ts";
export { createRestorePoint, type RestorePoint } from "./acts/create-restore-point.ts";
export { type CreatedSlot, type CreateSlotRequest, createSlot } from "./acts/create-slot.ts";
export { type DroppedSlot, dropSlot } from "./acts/drop-slot.ts";
export {
  type ExclusiveBackupEnd,
  type RunningExclusiveBackup,
  readExclusiveBackup,
  startExclusiveBackup,
  stopExclusiveBackup,
} from "./acts/exclusive-backup.ts";
export {
  type StartBackupRequest,
  type StartedBackup,
  type StopBackupRequest,
  type StoppedBackup,
  startBackup,
  stopBackup,
} from "./acts/low-level-backup.ts";
export { planSlotDrop, type SlotDropOptions, type SlotDropPlan } from "./acts/plan-slot-drop.ts";
export { type CheckpointResult, readLastCheckpoint, runCheckpoint } from "./acts/run-checkpoint.ts";
export { switchWal, type WalSwitch } from "./acts/switch-wal.ts";
export type {
  BackupTablespace,
  BaseBackupEvent,
  BaseBackupOptions,
  BaseBackupStream,
} from "./base-backup/base-backup-events.ts";
export type { IncrementalHeader, RelationLayout } from "./base-backup/incremental-header.ts";
export type { CheckContext, CheckResult, Severity } from "./checks/check.ts";
export { type CheckDescription, runServerChecks, serverChecks } from "./checks/server-checks.ts";
export type { CertificateFacts } from "./connection/certificate-facts.ts";
export {
  type ConnectionFacts,
  type ConnectionReport,
  type ConnectionStep,
  type ConnectionStepResult,
  connectionSteps,
} from "./connection/connection-report.ts";
export {
  type ConnectionSettings,
  connectionDefaults,
  type HostAddress,
  isUnixSocket,
  notApplied,
  type SslMode,
  type TargetSessionAttrs,
} from "./connection/connection-settings.ts";
export { parseDsn, splitDsn } from "./connection/dsn.ts";
export { describeDsn, encodeDsn } from "./connection/dsn-write.ts";
export type { Remedy } from "./connection/remedy.ts";
export { type TestConnectionOptions, testConnection } from "./connection/test-connection.ts";
export type { TlsFacts } from "./connection/tls.ts";
export { type BackupLabel, parseBackupLabel, withoutIncrementalLines } from "./files/backup-label.ts";
export type { ManifestChecksum, ManifestFacts, ManifestFile, ManifestWalRange } from "./files/backup-manifest.ts";
export { BackupManifestReader } from "./files/backup-manifest-reader.ts";
export { BackupManifestWriter } from "./files/backup-manifest-writer.ts";
export type { TransactionStatus } from "./files/catalog-tuples.ts";
export {
  type DatabaseRow,
  databaseRelationOid,
  mappedFileNumber,
  readDatabaseRows,
  transactionSegmentName,
  transactionStatusIn,
} from "./files/database-catalog.ts";
export { formatLsn, type Lsn, noLsn, parseLsn, toLsn } from "./files/lsn.ts";
export { checkPages, type PageCheck, pageChecksum } from "./files/page-checksum.ts";
export { type PageKind, pageKindOf } from "./files/page-kind.ts";
export { maskPage, type PagePlace, pageLsn, samePage } from "./files/page-masks.ts";
export { type ClusterState, majorsByCatalogVersion, type PgControl, parsePgControl } from "./files/pg-control.ts";
export {
  type CatalogRow,
  type InheritanceRow,
  inheritanceRowOf,
  type NamespaceRow,
  namespaceRowOf,
  type RelationRow,
  readCatalogRows,
  relationCatalogOids,
  relationRowOf,
} from "./files/relation-catalog.ts";
export {
  firstBlockOfFile,
  isRelationFile,
  locateRelation,
  parseRelationPath,
  type RelationFile,
  type RelationPlace,
} from "./files/relation-file.ts";
export { higherLimits, type ServerLimits } from "./files/server-limits.ts";
export { encodeTablespaceMap, parseTablespaceMap, type TablespaceMapEntry } from "./files/tablespace-map.ts";
export { parseTimelineHistory, type TimelineAncestor } from "./files/timeline-history.ts";
export {
  parseWalSegmentName,
  timelineHistoryName,
  type WalSegment,
  walSegmentName,
  walSegmentNames,
  walSegmentStart,
} from "./files/wal-segment.ts";
export { mayReadFiles } from "./privileges/may-read-files.ts";
export {
  type ActPrivilege,
  type ExcessRight,
  type PrivilegeReport,
  type PurposeScript,
  type RolePurpose,
  rolePurposes,
} from "./privileges/privilege-report.ts";
export { readPrivileges } from "./privileges/read-privileges.ts";
export { type RoleScriptRequest, roleScript } from "./privileges/role-script.ts";
export { type ArchiverState, type ArchivingSigns, isArchiving, readArchiver } from "./server/archiver.ts";
export type { Asker, BinaryAsker, UnreadableSection } from "./server/asker.ts";
export { type AskingRole, readAskingRole } from "./server/asking-role.ts";
export { type ConfigurationFile, readConfigurationFiles } from "./server/configuration-files.ts";
export { type FileSetting, type HbaRule, type IdentMapping, readHbaRules } from "./server/configuration-rules.ts";
export { type DatabaseSize, readDatabaseSizes, readDatabasesSize } from "./server/databases-size.ts";
export {
  type Collation,
  type ExtensionWithLibraries,
  libraryNames,
  readEnvironment,
  type ServerEnvironment,
} from "./server/environment.ts";
export { type Extension, readExtensions } from "./server/extensions.ts";
export { type FunctionNames, functionNames } from "./server/function-names.ts";
export type { SystemIdentity } from "./server/identity.ts";
export { type InspectServerOptions, inspectServer, type ServerInspection } from "./server/inspect-server.ts";
export { type ReadBinaryFileOptions, readBinaryFile } from "./server/read-binary-file.ts";
export {
  type ConfigurationFileContent,
  type ReadConfigurationOptions,
  readConfiguration,
  type ServerConfiguration,
} from "./server/read-configuration.ts";
export { type RecoveryState, readRecovery, type WalReceiver } from "./server/recovery.ts";
export {
  type ReplicationClient,
  type ReplicationClientKind,
  readReplication,
  replicationClientKind,
} from "./server/replication.ts";
export {
  type DirectoryEntry,
  type DirectoryPage,
  type DirectoryPageOptions,
  type FileStat,
  type ListDirectoryOptions,
  listDirectory,
  listDirectoryPage,
  statFile,
} from "./server/server-files.ts";
export { readServerInfo, type ServerInfo, type ServerValidity, serverValidity } from "./server/server-info.ts";
export {
  maskSettingSecrets,
  readSetting,
  readSettings,
  type Setting,
  type SettingsReading,
} from "./server/settings.ts";
export { type ReadSlotsOptions, readSlot, readSlots, type Slot } from "./server/slots.ts";
export {
  encodeSynchronousStandbyNames,
  parseSynchronousStandbyNames,
  readSynchronousStandbys,
  type SynchronousStandbys,
} from "./server/synchronous-standbys.ts";
export { isInside, readTablespaces, type Tablespace } from "./server/tablespaces.ts";
export { readWalPosition, type WalPosition, walFileBefore } from "./server/wal-position.ts";
export {
  type RelationLimit,
  readChangedBehindLimits,
  readRelationLimits,
  readWalSummaries,
  readWalSummarizer,
  type WalSummarizer,
  type WalSummary,
} from "./server/wal-summaries.ts";
export { readNamedBlocks } from "./server/wal-summary-blocks.ts";
export { type AskAgainOptions, askAgain } from "./session/ask-again.ts";
export { type Capabilities, capabilitiesOf, majorOf, supportedMajors } from "./session/capabilities.ts";
export { neutraliseIdleTimeouts, restoreIdleTimeouts } from "./session/idle-timeouts.ts";
export { type KeepSessionOptions, keepSession } from "./session/keep-session.ts";
export { ReplicationSession, type ReplicationSlot, type TimelineHistoryFile } from "./session/replication-session.ts";
export type { SessionOptions } from "./session/session-options.ts";
export { type QuestionOptions, SqlSession } from "./session/sql-session.ts";
export type { SqlParameter } from "./session/sql-values.ts";
export {
  type DatabaseChange,
  decodeDatabase,
  decodeRelationMap,
  decodeStorage,
  type RelationMapChange,
  type StorageChange,
} from "./wal/decode-files.ts";
export {
  decodeHeapChange,
  decodeHeapTruncate,
  type HeapChange,
  type HeapChangeKind,
  type HeapTruncate,
  heapChangeKind,
} from "./wal/decode-heap.ts";
export {
  type CheckpointRecord,
  decodeBackupEnd,
  decodeCheckpoint,
  decodeEndOfRecovery,
  decodeOverwrittenContinuation,
  decodeParameterChange,
  decodeRestorePoint,
  decodeSwitch,
  type EndOfRecovery,
  isFullPageImage,
  type ParameterChange,
} from "./wal/decode-server-records.ts";
export {
  type DroppedStatistics,
  decodePrepare,
  decodeTransactionEnd,
  type PreparedTransaction,
  type RelationFileId,
  type TransactionEnd,
  type TransactionRecordKind,
  transactionKind,
} from "./wal/decode-transaction.ts";
export { walPageBytes } from "./wal/page-header.ts";
export { beginOfRecordReachingOver } from "./wal/record-reaching-over.ts";
export { type CommittedRelations, RelationNames, type RelationNamesSource } from "./wal/relation-names.ts";
export { resourceManagers, rmgrName } from "./wal/resource-managers.ts";
export {
  type ExpectedSegment,
  segmentHeaderBytes,
  validateSegmentHeader,
} from "./wal/segment-header.ts";
export type { WalCommit, WalRestorePoint, WalSegmentFactsLike } from "./wal/wal-facts.ts";
export { WalReader, type WalReaderOptions } from "./wal/wal-reader.ts";
export type { ImageCompression, WalBlock, WalBlockImage, WalRecord, WalRecordBody } from "./wal/wal-record.ts";
export { WalScanner, type WalScannerOptions } from "./wal/wal-scanner.ts";
export { type WalVersion, walVersionOf } from "./wal/wal-versions.ts";
export type {
  ReplicationStart,
  StandbyStatus,
  WalData,
  WalStream,
  WalStreamEvent,
} from "./wal-stream/wal-stream-events.ts";
