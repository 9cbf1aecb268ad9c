import { AppError } from "@tidemark/kit";
import { supportedMajors } from "../session/capabilities.ts";

/** What a function, column or directory of the server is called on one major. */
export interface FunctionNames {
  readonly startBackup: string;
  readonly stopBackup: string;
  readonly switchWal: string;
  readonly walFileName: string;
  readonly walFileNameOffset: string;
  readonly currentWalLsn: string;
  readonly currentWalInsertLsn: string;
  readonly currentWalFlushLsn: string;
  readonly lastWalReplayLsn: string;
  readonly lastWalReceiveLsn: string;
  readonly walLsnDiff: string;
  readonly isWalReplayPaused: string;
  readonly pauseWalReplay: string;
  readonly resumeWalReplay: string;
  /** The directory of the WAL in the data directory. */
  readonly walDirectory: string;
  /** Columns of pg_stat_replication. */
  readonly sentLsn: string;
  readonly writeLsn: string;
  readonly flushLsn: string;
  readonly replayLsn: string;
}

/**
 * The names of a major; 9.6 is the number 9.6. A newer one than we know may have renamed anything.
 *
 * @throws AppError `version-unsupported` outside 9.6 … 18.
 */
export function functionNames(major: number): FunctionNames {
  const era = major > lastMajor ? undefined : eras.find(({ since }) => major >= since);
  if (era !== undefined) return era.names;
  throw new AppError("version-unsupported", {
    message: `the names of PostgreSQL ${major}'s functions are not known: 9.6 to ${lastMajor} are`,
  });
}

const lastMajor = Math.max(...supportedMajors);

const from96: FunctionNames = {
  startBackup: "pg_start_backup",
  stopBackup: "pg_stop_backup",
  switchWal: "pg_switch_xlog",
  walFileName: "pg_xlogfile_name",
  walFileNameOffset: "pg_xlogfile_name_offset",
  currentWalLsn: "pg_current_xlog_location",
  currentWalInsertLsn: "pg_current_xlog_insert_location",
  currentWalFlushLsn: "pg_current_xlog_flush_location",
  lastWalReplayLsn: "pg_last_xlog_replay_location",
  lastWalReceiveLsn: "pg_last_xlog_receive_location",
  walLsnDiff: "pg_xlog_location_diff",
  isWalReplayPaused: "pg_is_xlog_replay_paused",
  pauseWalReplay: "pg_xlog_replay_pause",
  resumeWalReplay: "pg_xlog_replay_resume",
  walDirectory: "pg_xlog",
  sentLsn: "sent_location",
  writeLsn: "write_location",
  flushLsn: "flush_location",
  replayLsn: "replay_location",
};

/** Release notes of 10, "Migration": xlog became wal, location became lsn. */
const from10: FunctionNames = {
  ...from96,
  switchWal: "pg_switch_wal",
  walFileName: "pg_walfile_name",
  walFileNameOffset: "pg_walfile_name_offset",
  currentWalLsn: "pg_current_wal_lsn",
  currentWalInsertLsn: "pg_current_wal_insert_lsn",
  currentWalFlushLsn: "pg_current_wal_flush_lsn",
  lastWalReplayLsn: "pg_last_wal_replay_lsn",
  lastWalReceiveLsn: "pg_last_wal_receive_lsn",
  walLsnDiff: "pg_wal_lsn_diff",
  isWalReplayPaused: "pg_is_wal_replay_paused",
  pauseWalReplay: "pg_wal_replay_pause",
  resumeWalReplay: "pg_wal_replay_resume",
  walDirectory: "pg_wal",
  sentLsn: "sent_lsn",
  writeLsn: "write_lsn",
  flushLsn: "flush_lsn",
  replayLsn: "replay_lsn",
};

/** Release notes of 15, "Migration": the exclusive form went, and the two functions were renamed for it. */
const from15: FunctionNames = { ...from10, startBackup: "pg_backup_start", stopBackup: "pg_backup_stop" };

/** Newest first. */
const eras: readonly { readonly since: number; readonly names: FunctionNames }[] = [
  { since: 15, names: from15 },
  { since: 10, names: from10 },
  { since: 9.6, names: from96 },
];
