import { AppError } from "@tidemark/kit";
import { type DatabaseRow, databaseRelationOid, mappedFileNumber, readDatabaseRows } from "@tidemark/postgres";
import type { FrameSource, ManifestReader } from "@tidemark/repository";
import { type BackupFile, findBackupFiles, readBackupFile } from "./backup-files.ts";
import { isTransactionStatusPath, withTransactionStatus } from "./transaction-status.ts";

/** Which databases of a backup are restored whole. */
export interface DatabaseChoice {
  /** Those asked for, in their order. */
  readonly restored: readonly string[];
  /** Those whose files are left empty: of the right size, all zeros, so that recovery can run over them. */
  readonly emptied: readonly { readonly oid: number; readonly name: string }[];
}

/**
 * Finds the databases asked for by name, in the backup's own `pg_database`: no server is needed. Templates, `postgres` and the
 * shared catalogs are always restored whole, and so is a database that appeared while the backup was taken, whose name nobody knows.
 * Throws `not-found` naming those that are there.
 */
export async function chooseDatabases(
  manifest: ManifestReader,
  frames: FrameSource,
  names: readonly string[],
  signal: AbortSignal,
): Promise<DatabaseChoice> {
  const rows = await readDatabases(manifest, frames, signal);
  const known = rows.map(({ name }) => name).sort();
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    throw new AppError("not-found", {
      message: `the backup has no database ${unknown.map((name) => JSON.stringify(name)).join(", ")}`,
      hint: `it has ${known.join(", ")}; nothing was written`,
      context: { databases: unknown.join(", "), backupId: manifest.backup.backupId },
    });
  }
  const isWhole = ({ name, isTemplate }: DatabaseRow) =>
    isTemplate || name === maintenanceDatabase || names.includes(name);
  const emptied = rows.filter((row) => !isWhole(row));
  return { restored: names, emptied: emptied.map(({ oid, name }) => ({ oid, name })) };
}

/**
 * Whether a file of the backup is left empty. PG_VERSION stays: who connects is told by it that this is a database. The map
 * of its catalogs goes, so that connecting ends with an error at once (relmapper.c: "contains invalid data"); with a map
 * that leads to empty catalogs it is a panic of the whole server (relcache.c, load_critical_index), which autovacuum
 * would bring about by itself.
 */
export function isEmptiedPath(path: string, emptied: ReadonlySet<number>): boolean {
  const match = /^(?:base|pg_tblspc\/\d+\/PG_[^/]+)\/(\d+)\/(.+)$/.exec(path);
  if (match === null || !emptied.has(Number(match[1]))) return false;
  return match[2] !== "PG_VERSION";
}

/** What a person has to know who gets such a restore; null when everything was restored. */
export function describeChoice(choice: DatabaseChoice | null): string | null {
  if (choice === null || choice.emptied.length === 0) return null;
  const emptied = choice.emptied.map(({ name }) => name).join(", ");
  return `only ${choice.restored.join(", ")} (with the templates, postgres and what databases share) is restored whole; ${emptied} ${choice.emptied.length === 1 ? "is" : "are"} left empty, cannot be connected to, and can only be dropped`;
}

/** What tools connect to who want any database; initdb makes it, and it is small. */
const maintenanceDatabase = "postgres";

/** The databases in a backup's own `pg_database`. */
export async function readDatabases(
  manifest: ManifestReader,
  frames: FrameSource,
  signal: AbortSignal,
): Promise<readonly DatabaseRow[]> {
  const files = await findBackupFiles(manifest, isCatalogPath, signal);
  const { facts } = manifest.backup;
  const map = await readBackupFile(frames, requireFile(files, "global/pg_filenode.map"), signal);
  const number = mappedFileNumber(map, databaseRelationOid);
  const pages = await readBackupFile(frames, requireFile(files, `global/${number ?? databaseRelationOid}`), signal);
  const major = Math.floor(facts.serverVersion / 10_000);
  return await withTransactionStatus({ files, frames, signal }, (statusOf) =>
    readDatabaseRows(pages, { blockSize: facts.blockSize, major, statusOf }),
  );
}

function isCatalogPath(path: string): boolean {
  return /^global\/(?:pg_filenode\.map|\d+)$/.test(path) || isTransactionStatusPath(path);
}

function requireFile(files: ReadonlyMap<string, BackupFile>, path: string): BackupFile {
  const file = files.get(path);
  if (file !== undefined) return file;
  throw new AppError("backup-damaged", {
    message: `the backup holds no ${path}: the names of its databases cannot be known`,
  });
}
