import { AppError } from "@tidemark/kit";
import {
  type CatalogRow,
  mappedFileNumber,
  RelationNames,
  type RelationRow,
  readCatalogRows,
  relationCatalogOids,
  relationRowOf,
} from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import { type BackupFile, findBackupFiles, readBackupFile } from "../../restore/backup-files.ts";
import { readDatabases } from "../../restore/restore-databases.ts";
import { isTransactionStatusPath, withTransactionStatus } from "../../restore/transaction-status.ts";

/** The relations of one database as a backup has them, ready to be followed through the WAL from its start on. */
export interface BackupRelationNames {
  readonly names: RelationNames;
  readonly dbOid: number;
  readonly major: number;
  readonly systemIdentifier: bigint;
  /** WAL from here on changes what the backup's files say. */
  readonly startLsn: bigint;
}

/**
 * Reads the names of a database's relations out of a stored backup: no server is needed. Throws `not-found` for a database
 * it does not have, `backup-damaged` when the catalogs cannot be read.
 */
export async function readBackupRelationNames(
  area: ServerArea,
  request: { readonly backupId: string; readonly database: string },
  signal: AbortSignal,
): Promise<BackupRelationNames> {
  const manifest = await area.openManifest(request.backupId);
  const frames = area.frames();
  const { facts } = manifest.backup;
  const databases = await readDatabases(manifest, frames, signal);
  const database = databases.find(({ name }) => name === request.database);
  if (database === undefined) {
    throw new AppError("not-found", {
      message: `the backup has no database ${JSON.stringify(request.database)}`,
      hint: `it has ${databases
        .map(({ name }) => name)
        .sort()
        .join(", ")}`,
      context: { backupId: request.backupId },
    });
  }
  const isWanted = (path: string) => isTransactionStatusPath(path) || databaseFileOf(path)?.dbOid === database.oid;
  const files = await findBackupFiles(manifest, isWanted, signal);
  const { folder, spcOid } = databaseFolder(files);
  const read = async (number: number) => await readMainFork(`${folder}/${number}`);
  const readMainFork = async (path: string): Promise<Uint8Array> => {
    const parts: Uint8Array[] = [];
    for (let part = 0; ; part++) {
      const file = files.get(part === 0 ? path : `${path}.${part}`);
      if (file === undefined) break;
      parts.push(await readBackupFile(frames, file, signal));
    }
    if (parts.length === 0) throw damaged(`it holds no ${path}`);
    return Buffer.concat(parts);
  };
  const rowsOf = async (number: number): Promise<CatalogRow[]> => {
    const pages = await read(number);
    const { blockSize } = facts;
    return await withTransactionStatus({ files, frames, signal }, (statusOf) =>
      readCatalogRows(pages, { blockSize, statusOf }),
    );
  };
  const map = await readBackupFile(frames, required(files, `${folder}/pg_filenode.map`), signal);
  const relationFile = mappedFileNumber(map, relationCatalogOids.relation) ?? relationCatalogOids.relation;
  const major = Math.floor(facts.serverVersion / 10_000);
  const relations = await rowsOf(relationFile);
  const fileOf = catalogFiles(relations, major);
  const names = new RelationNames({
    ...{ major, dbOid: database.oid, spcOid, relationFile, relations },
    namespaces: await rowsOf(fileOf(relationCatalogOids.namespace)),
    inheritance: await rowsOf(fileOf(relationCatalogOids.inheritance)),
  });
  const { systemIdentifier, startLsn } = facts;
  return { names, dbOid: database.oid, major, systemIdentifier, startLsn };
}

/** `base/<database>/<file>`, or below a tablespace; the map of catalogs and files of main forks only. */
function databaseFileOf(
  path: string,
): { readonly folder: string; readonly spcOid: number; readonly dbOid: number } | null {
  const match = /^((?:base|pg_tblspc\/(\d+)\/PG_[^/]+)\/(\d+))\/(?:pg_filenode\.map|\d+(?:\.\d+)?)$/.exec(path);
  if (match === null) return null;
  const [, folder = "", spcOid, dbOid] = match;
  return { folder, spcOid: Number(spcOid ?? defaultTablespaceOid), dbOid: Number(dbOid) };
}

/** A database's catalogs are where its map of them is; its tables may be elsewhere. */
function databaseFolder(files: ReadonlyMap<string, BackupFile>): { readonly folder: string; readonly spcOid: number } {
  for (const path of files.keys()) {
    const place = path.endsWith("/pg_filenode.map") ? databaseFileOf(path) : null;
    if (place !== null) return place;
  }
  throw damaged("it holds no map of the database's catalogs");
}

function catalogFiles(relations: readonly CatalogRow[], major: number): (oid: number) => number {
  const files = new Map<number, RelationRow>();
  for (const { columns, isVisible } of relations) {
    const row = isVisible ? relationRowOf(columns, major) : null;
    if (row !== null) files.set(row.oid, row);
  }
  return (oid) => {
    const row = files.get(oid);
    if (row === undefined) throw damaged(`its pg_class does not name the catalog ${oid}`);
    return row.relNumber;
  };
}

function required(files: ReadonlyMap<string, BackupFile>, path: string): BackupFile {
  const file = files.get(path);
  if (file === undefined) throw damaged(`it holds no ${path}`);
  return file;
}

function damaged(why: string): AppError {
  return new AppError("backup-damaged", { message: `the names of the backup's relations cannot be known: ${why}` });
}

/** pg_default (src/include/catalog/pg_tablespace.dat). */
const defaultTablespaceOid = 1663;
