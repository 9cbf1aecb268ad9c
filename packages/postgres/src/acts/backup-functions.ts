/**
 * How the low-level backup is called on each major. Release notes of 15, migration: the exclusive form went, and the
 * functions lost its parameter and got new names.
 */
export interface BackupFunctions {
  /** Takes $1 label, $2 fast; gives the start's LSN. */
  readonly start: string;
  /** Takes $1 whether to wait for the archive; gives lsn, labelfile, spcmapfile. */
  readonly stop: string;
  /** The exclusive form; null where there is none. Only 13 and 14 tell whether one runs (pg_is_in_backup). */
  readonly exclusive: { readonly start: string; readonly stop: string } | null;
}

export function backupFunctions(major: number): BackupFunctions {
  return major >= 15 ? from15 : until14;
}

/** The server's clock now, in milliseconds since 1970, whatever its DateStyle and time zone. */
export const serverClockMs = "(EXTRACT(EPOCH FROM pg_catalog.clock_timestamp()) * 1000)::float8";

const from15: BackupFunctions = {
  start: "pg_catalog.pg_backup_start($1, $2)",
  stop: "pg_catalog.pg_backup_stop($1)",
  exclusive: null,
};

const until14: BackupFunctions = {
  start: "pg_catalog.pg_start_backup($1, $2, false)",
  stop: "pg_catalog.pg_stop_backup(false, $1)",
  exclusive: {
    start: "pg_catalog.pg_start_backup($1, $2, true)",
    stop: "pg_catalog.pg_stop_backup(true, $1)",
  },
};
