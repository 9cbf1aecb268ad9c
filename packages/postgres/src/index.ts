export { combineCrc32c, crc32c } from "@tidemark/kit";
export type {
  BackupTablespace,
  BaseBackupEvent,
  BaseBackupOptions,
  BaseBackupStream,
} from "./base-backup/base-backup-events.ts";
export {
  type ConnectionFacts,
  type ConnectionReport,
  type ConnectionStep,
  type ConnectionStepResult,
  connectionSteps,
} from "./connection/connection-report.ts";
export {
  type ConnectionSettings,
  type HostAddress,
  isUnixSocket,
  type SslMode,
} from "./connection/connection-settings.ts";
export { describeDsn, encodeDsn, parseDsn } from "./connection/dsn.ts";
export type { Remedy } from "./connection/remedy.ts";
export { type TestConnectionOptions, testConnection } from "./connection/test-connection.ts";
export { type BackupLabel, parseBackupLabel } from "./files/backup-label.ts";
export type { ManifestChecksum, ManifestFacts, ManifestFile, ManifestWalRange } from "./files/backup-manifest.ts";
export { BackupManifestReader } from "./files/backup-manifest-reader.ts";
export { BackupManifestWriter } from "./files/backup-manifest-writer.ts";
export { formatLsn, type Lsn, noLsn, parseLsn, toLsn } from "./files/lsn.ts";
export { checkPages, type PageCheck, pageChecksum } from "./files/page-checksum.ts";
export { type ClusterState, majorsByCatalogVersion, type PgControl, parsePgControl } from "./files/pg-control.ts";
export { firstBlockOfFile, isRelationFile, parseRelationPath, type RelationFile } from "./files/relation-file.ts";
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
export { type Capabilities, capabilitiesOf, majorOf, supportedMajors } from "./session/capabilities.ts";
export { ReplicationSession, type ReplicationSlot, type TimelineHistoryFile } from "./session/replication-session.ts";
export type { ServerFacts, SystemIdentity, TablespaceFacts } from "./session/server-facts.ts";
export type { SessionOptions } from "./session/session-options.ts";
export { type QuestionOptions, type SqlParameter, SqlSession } from "./session/sql-session.ts";
