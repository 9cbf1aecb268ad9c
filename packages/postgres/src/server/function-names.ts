import { AppError } from "@tidemark/kit";

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

/** The signatures of the acts as PostgreSQL's catalog has them: for has_function_privilege and GRANT. */
export interface FunctionSignatures {
  readonly startBackup: string;
  readonly stopBackup: string;
  readonly switchWal: string;
  readonly createRestorePoint: string;
  /** The exclusive form; null from 15, which dropped it. */
  readonly stopExclusiveBackup: string | null;
}

/**
 * The names of a major. 9.6 is the number 9.6. A major newer than the last one we know has the names of that one.
 *
 * @throws AppError `version-unsupported` before 9.6.
 */
export function functionNames(major: number): FunctionNames {
  return namesSince(nameEras, major);
}

/** The signatures of a major, without the schema. Limits as for `functionNames`. */
export function functionSignatures(major: number): FunctionSignatures {
  return namesSince(signatureEras, major);
}

interface Era<Names> {
  readonly since: number;
  readonly names: Names;
}

function namesSince<Names>(eras: readonly Era<Names>[], major: number): Names {
  const era = eras.find(({ since }) => major >= since);
  if (era !== undefined) return era.names;
  throw new AppError("version-unsupported", { message: `PostgreSQL ${major} is older than any we know (9.6)` });
}

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
const nameEras: readonly Era<FunctionNames>[] = [
  { since: 15, names: from15 },
  { since: 10, names: from10 },
  { since: 9.6, names: from96 },
];

const signatures96: FunctionSignatures = {
  startBackup: "pg_start_backup(text, boolean, boolean)",
  stopBackup: "pg_stop_backup(boolean)",
  switchWal: "pg_switch_xlog()",
  createRestorePoint: "pg_create_restore_point(text)",
  stopExclusiveBackup: "pg_stop_backup()",
};

/** 10 gave pg_stop_backup its wait_for_archive. */
const signatures10: FunctionSignatures = {
  ...signatures96,
  stopBackup: "pg_stop_backup(boolean, boolean)",
  switchWal: "pg_switch_wal()",
};

const signatureEras: readonly Era<FunctionSignatures>[] = [
  {
    since: 15,
    names: {
      ...signatures10,
      startBackup: "pg_backup_start(text, boolean)",
      stopBackup: "pg_backup_stop(boolean)",
      stopExclusiveBackup: null,
    },
  },
  { since: 10, names: signatures10 },
  { since: 9.6, names: signatures96 },
];
