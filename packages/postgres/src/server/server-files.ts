import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";
import { instantOf, msOf } from "./column-values.ts";

/** What the server's operating system says of a file (pg_stat_file; links are followed). */
export interface FileStat {
  readonly path: string;
  readonly sizeBytes: bigint;
  /** False for anything else than a directory. */
  readonly isDirectory: boolean;
  /** To the second, as the server gives them. */
  readonly accessedAt: Date;
  readonly modifiedAt: Date;
  /** Of the inode: owner, mode, links. Null on Windows. */
  readonly changedAt: Date | null;
  /** Null on Unix, where the server cannot say (genfile.c, pg_stat_file). */
  readonly createdAt: Date | null;
}

/** An entry of a directory of the server; `.` and `..` are left out. */
export interface DirectoryEntry {
  /** As our encoding shows it; see `isNameExact`. */
  readonly name: string;
  /** False when the name has bytes that are no text: it is there, but cannot be asked for. */
  readonly isNameExact: boolean;
  /** Of what a link points to. */
  readonly sizeBytes: bigint;
  readonly isDirectory: boolean;
  readonly modifiedAt: Date;
}

/**
 * Looks at one file or directory. Relative paths start in the data directory.
 *
 * Needs: EXECUTE on pg_stat_file(text, boolean) (superusers only by default), and pg_read_server_files for an absolute
 * path outside the data and log directories (genfile.c, convert_and_check_filename).
 *
 * @throws AppError `file-missing-on-server`, `privilege-missing`.
 */
export async function statFile(asker: Asker, path: string): Promise<FileStat> {
  const [row] = await onServerFile(path, () =>
    asker.query<StatRow>(
      `SELECT f.size::text AS size, f.isdir, ${msOf("f.access")} AS accessed_ms,
              ${msOf("f.modification")} AS modified_ms, ${msOf("f.change")} AS changed_ms,
              ${msOf("f.creation")} AS created_ms
         FROM pg_catalog.pg_stat_file($1::text, true) f`,
      [path],
    ),
  );
  if (row?.size === undefined || row.size === null) throw missing(path);
  return {
    path,
    sizeBytes: BigInt(row.size),
    isDirectory: row.isdir,
    accessedAt: new Date(row.accessed_ms),
    modifiedAt: new Date(row.modified_ms),
    changedAt: instantOf(row.changed_ms),
    createdAt: instantOf(row.created_ms),
  };
}

export interface ListDirectoryOptions {
  /** An empty list for a directory that is not there, instead of an error. */
  readonly missingOk?: boolean | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface DirectoryPageOptions extends ListDirectoryOptions {
  /** Only what comes behind this name, in the order of bytes; of a directory that went away then nothing. */
  readonly after?: string | undefined;
  /** At most so many names, those included that went away while they were looked at; all unless given. */
  readonly limit?: number | undefined;
}

export interface DirectoryPage {
  readonly entries: readonly DirectoryEntry[];
  /** The last name that can be told the server again, to go on behind it; null when there is none. Its file may be gone. */
  readonly lastName: string | null;
  /** There may be more behind it: as many names came as were asked for. */
  readonly isFull: boolean;
}

/**
 * The entries of a directory with their kinds and sizes, in the order of their names' bytes, with one statement. What
 * goes away meanwhile is left out. Relative paths start in the data directory (`.` is it).
 *
 * Needs: EXECUTE on pg_ls_dir(text, boolean, boolean) and pg_stat_file(text, boolean), and pg_read_server_files for an
 * absolute path outside the data and log directories.
 *
 * @throws AppError `file-missing-on-server` unless `missingOk` (then it is empty), `privilege-missing`.
 */
export async function listDirectory(
  asker: Asker,
  path: string,
  options: ListDirectoryOptions = {},
): Promise<readonly DirectoryEntry[]> {
  return (await listDirectoryPage(asker, path, options)).entries;
}

/**
 * As `listDirectory`, a part at a time. Whether there is more is told by the names, not by the entries: files that go
 * away meanwhile must not look like the directory's end.
 */
export async function listDirectoryPage(
  asker: Asker,
  path: string,
  options: DirectoryPageOptions = {},
): Promise<DirectoryPage> {
  const rows = await onServerFile(path, () =>
    // Two more for the dot directories, which come first.
    asker.query<EntryRow>(
      directoryQuestion,
      [path, options.after ?? null, options.limit === undefined ? null : options.limit + 2],
      { timeoutMs: options.timeoutMs },
    ),
  );
  if (options.after === undefined && !rows.some(({ name }) => name === ".")) {
    if (options.missingOk === true) return { entries: [], lastName: null, isFull: false };
    throw missing(path);
  }
  const named = rows.filter(({ name }) => name !== "." && name !== "..").slice(0, options.limit);
  const entries: DirectoryEntry[] = [];
  for (const row of named) {
    if (row.size === null) continue;
    entries.push({
      name: row.name,
      isNameExact: isNameExact(row),
      sizeBytes: BigInt(row.size),
      isDirectory: row.isdir,
      modifiedAt: new Date(row.modified_ms),
    });
  }
  return { entries, lastName: named.findLast(isNameExact)?.name ?? null, isFull: named.length === options.limit };
}

/** Whether the text is the name byte for byte, so that the file can be asked for by it. */
function isNameExact({ name, name_bytes }: EntryRow): boolean {
  return Buffer.byteLength(name) === name_bytes;
}

/**
 * Runs a question about a file, telling what is the file's from what is the role's: errcode_for_file_access() (elog.c)
 * gives the same SQLSTATE for a path the operating system refuses to the server as for a right the role lacks.
 */
export async function onServerFile<T>(path: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { sqlState, routine } = error.context;
    if (sqlState === "58P01") throw missing(path, error);
    if (sqlState === "42501" && fileRoutines.has(String(routine))) {
      throw new AppError("server-error", {
        message: error.message,
        hint: "the account PostgreSQL runs under may not read it; no privilege inside PostgreSQL helps",
        context: { ...error.context, path },
        cause: error,
      });
    }
    throw error;
  }
}

function missing(path: string, cause?: AppError): AppError {
  return new AppError("file-missing-on-server", {
    message: `the server has no file "${path}"`,
    hint: "relative paths start in the server's data directory",
    context: { path },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Where the server itself touches the file (genfile.c, fd.c). */
const fileRoutines: ReadonlySet<string> = new Set([
  "pg_stat_file",
  "read_binary_file",
  "pg_ls_dir",
  "ReadDir",
  "ReadDirExtended",
  "AllocateDir",
]);

interface StatRow {
  readonly size: string | null;
  readonly isdir: boolean;
  readonly accessed_ms: number;
  readonly modified_ms: number;
  readonly changed_ms: number | null;
  readonly created_ms: number | null;
}

interface EntryRow {
  readonly name: string;
  readonly name_bytes: number;
  readonly size: string | null;
  readonly isdir: boolean;
  readonly modified_ms: number;
}

/**
 * The dot directories are asked for, because a missing directory otherwise looks like an empty one. Only the directory
 * itself is looked at for them: `..` would leave the data directory. textsend() gives the name as it goes over the
 * wire, so that a name that is no text can be told from one that is. Only the entries wanted are looked at.
 */
const directoryQuestion = `
  SELECT d.name, pg_catalog.octet_length(pg_catalog.textsend(d.name)) AS name_bytes,
         f.size::text AS size, f.isdir, ${msOf("f.modification")} AS modified_ms
    FROM (SELECT ls.name, ls.name IN ('.', '..') AS is_dot
            FROM pg_catalog.pg_ls_dir($1::text, true, true) ls(name)
           WHERE $2::text IS NULL OR (ls.name COLLATE "C" > $2::text AND ls.name NOT IN ('.', '..'))
           ORDER BY 2 DESC, ls.name COLLATE "C" LIMIT $3::int8) d
    LEFT JOIN LATERAL pg_catalog.pg_stat_file(
           CASE WHEN d.name IN ('.', '..') THEN $1::text ELSE $1::text || '/' || d.name END, true) f ON true
   ORDER BY d.is_dot DESC, d.name COLLATE "C"`;
