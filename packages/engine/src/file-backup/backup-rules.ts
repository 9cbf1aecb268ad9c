/**
 * What BASE_BACKUP leaves out (src/backend/backup/basebackup.c: excludeDirContents, excludeFiles, sendDir; the same in
 * 13 to 18). Names are judged wherever in the tree they stand, as PostgreSQL does. Paths and names are "raw" texts here:
 * one character for each byte of the server's name.
 */
export const backupRules = {
  /** Folders that are sent without what is in them. `pg_wal` is filled by ourselves. */
  emptiedFolders: [
    "pg_stat_tmp",
    "pg_replslot",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_subtrans",
  ],
  leftOutNames: [
    "postgresql.auto.conf.tmp",
    "current_logfiles.tmp",
    "backup_label",
    "tablespace_map",
    "backup_manifest",
    "postmaster.pid",
    "postmaster.opts",
    // Newer minors only; no file of PostgreSQL is called so.
    ".DS_Store",
  ],
  /** RELCACHE_INIT_FILENAME with whatever follows, PG_TEMP_FILE_PREFIX (files and folders). */
  leftOutPrefixes: ["pg_internal.init", "pgsql_tmp"],
  /** reinit.c, looks_like_temp_rel_name: relations of sessions, in folders of databases. */
  temporaryRelation: /^t\d+_\d+(?:_(?:fsm|vm|init))?(?:\.\d+)?$/,
  /** reinit.c, parse_filename_for_nontemp_relation: number, fork, segment. */
  relation: /^(\d+)(?:_(fsm|vm|init))?(?:\.\d+)?$/,
} as const;

/** Whether a folder holds the relations of one database: `base/<oid>`, or the like in a tablespace. */
export function isDatabaseFolder(path: string): boolean {
  return /^(?:base|pg_tblspc\/\d+\/PG_\d+_\d+)\/\d+$/.test(path);
}

/** Whether BASE_BACKUP would leave out an entry of `folder`; `siblings` are all names in it. */
export function isLeftOut(folder: string, name: string, siblings: ReadonlySet<string>): boolean {
  if (leftOutNames.has(name)) return true;
  if (backupRules.leftOutPrefixes.some((prefix) => name.startsWith(prefix))) return true;
  if (!isDatabaseFolder(folder)) return false;
  if (backupRules.temporaryRelation.test(name)) return true;
  // Unlogged relations are reset by recovery from their init fork, which is all that is needed of them.
  const relation = backupRules.relation.exec(name);
  return relation !== null && relation[2] !== "init" && siblings.has(`${relation[1]}_init`);
}

/** Whether a folder is sent empty; `statsFolder` is the configured stats_temp_directory of 13 and 14, if inside. */
export function isEmptied(path: string, name: string, statsFolder: string | null): boolean {
  return emptiedFolders.has(name) || path === statsFolder;
}

const leftOutNames: ReadonlySet<string> = new Set(backupRules.leftOutNames);
const emptiedFolders: ReadonlySet<string> = new Set(backupRules.emptiedFolders);
