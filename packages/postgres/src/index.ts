export { combineCrc32c, crc32c } from "@tidemark/kit";
export { type BackupLabel, parseBackupLabel } from "./backup-label.ts";
export type { ManifestChecksum, ManifestFacts, ManifestFile, ManifestWalRange } from "./backup-manifest.ts";
export { BackupManifestReader } from "./backup-manifest-reader.ts";
export { BackupManifestWriter } from "./backup-manifest-writer.ts";
export type { BackupTablespace, BaseBackupEvent, BaseBackupOptions, BaseBackupStream } from "./base-backup-events.ts";
export { type Capabilities, capabilitiesOf, majorOf, supportedMajors } from "./capabilities.ts";
export {
  type ConnectionFacts,
  type ConnectionReport,
  type ConnectionStep,
  type ConnectionStepResult,
  connectionSteps,
  type Remedy,
} from "./connection-report.ts";
export { type ConnectionSettings, type HostAddress, isUnixSocket, type SslMode } from "./connection-settings.ts";
export { describeDsn, encodeDsn, parseDsn } from "./dsn.ts";
export { formatLsn, type Lsn, noLsn, parseLsn, toLsn } from "./lsn.ts";
export { checkPages, type PageCheck, pageChecksum } from "./page-checksum.ts";
export { type ClusterState, majorsByCatalogVersion, type PgControl, parsePgControl } from "./pg-control.ts";
export { firstBlockOfFile, isRelationFile, parseRelationPath, type RelationFile } from "./relation-file.ts";
export { ReplicationSession, type ReplicationSlot, type TimelineHistoryFile } from "./replication-session.ts";
export type { ServerFacts, SystemIdentity, TablespaceFacts } from "./server-facts.ts";
export type { SessionOptions } from "./session-options.ts";
export { type QuestionOptions, type SqlParameter, SqlSession } from "./sql-session.ts";
export { encodeTablespaceMap, parseTablespaceMap, type TablespaceMapEntry } from "./tablespace-map.ts";
export { type TestConnectionOptions, testConnection } from "./test-connection.ts";
export { parseTimelineHistory, type TimelineAncestor } from "./timeline-history.ts";
export {
  parseWalSegmentName,
  timelineHistoryName,
  type WalSegment,
  walSegmentName,
  walSegmentNames,
  walSegmentStart,
} from "./wal-segment.ts";
