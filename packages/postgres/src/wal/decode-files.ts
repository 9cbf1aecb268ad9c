import type { RelationFileId } from "./decode-transaction.ts";
import { damaged } from "./record-body.ts";
import { Parts } from "./record-parts.ts";
import { resourceManagers } from "./resource-managers.ts";
import type { WalRecord } from "./wal-record.ts";
import { walVersionOf } from "./wal-versions.ts";

/** A relation's file was made, or cut to so many blocks (src/include/catalog/storage_xlog.h). */
export type StorageChange =
  | { readonly kind: "create"; readonly file: RelationFileId; readonly fork: number }
  | { readonly kind: "truncate"; readonly file: RelationFileId; readonly blocks: number };

/** A database was made or dropped (src/include/commands/dbcommands_xlog.h). */
export type DatabaseChange =
  | {
      readonly kind: "create";
      readonly strategy: "file-copy";
      readonly dbOid: number;
      readonly spcOid: number;
      readonly sourceDbOid: number;
    }
  | { readonly kind: "create"; readonly strategy: "wal-log"; readonly dbOid: number; readonly spcOid: number }
  | { readonly kind: "drop"; readonly dbOid: number; readonly spcOids: readonly number[] };

/** A new map of the relations whose file numbers are not in pg_class (src/include/utils/relmapper.h). */
export interface RelationMapChange {
  /** 0: the shared ones. */
  readonly dbOid: number;
  readonly spcOid: number;
  /** The whole content of the `pg_filenode.map`. */
  readonly content: Uint8Array;
}

/** Null for a record that is none. @throws AppError `wal-damaged` for one that is cut short, as the others here. */
export function decodeStorage(record: WalRecord): StorageChange | null {
  if (record.rmgr !== resourceManagers.storage) return null;
  const parts = new Parts(record.body().mainData);
  const operation = record.info & 0xf0;
  let change: StorageChange | null = null;
  if (operation === storageCreate) change = { kind: "create", file: fileOf(parts), fork: parts.u32() };
  else if (operation === storageTruncate) {
    const blocks = parts.u32();
    change = { kind: "truncate", blocks, file: fileOf(parts) };
  }
  if (parts.isCutShort) throw damaged("a change of a file is cut short");
  return change;
}

export function decodeDatabase(record: WalRecord, major: number): DatabaseChange | null {
  if (record.rmgr !== resourceManagers.database) return null;
  const { createFileCopy, createWalLog, drop } = walVersionOf(major).database;
  const parts = new Parts(record.body().mainData);
  const operation = record.info & 0xf0;
  const dbOid = parts.u32();
  let change: DatabaseChange | null = null;
  if (operation === createFileCopy) {
    change = { kind: "create", strategy: "file-copy", dbOid, spcOid: parts.u32(), sourceDbOid: parts.u32() };
  } else if (operation === createWalLog) {
    change = { kind: "create", strategy: "wal-log", dbOid, spcOid: parts.u32() };
  } else if (operation === drop) {
    change = { kind: "drop", dbOid, spcOids: parts.list(4, () => parts.u32()) };
  }
  if (parts.isCutShort) throw damaged("a change of a database is cut short");
  return change;
}

export function decodeRelationMap(record: WalRecord): RelationMapChange | null {
  if (record.rmgr !== resourceManagers.relationMap || (record.info & 0xf0) !== 0) return null;
  const main = record.body().mainData;
  const parts = new Parts(main);
  const dbOid = parts.u32();
  const spcOid = parts.u32();
  const bytes = parts.u32();
  const at = parts.pass(bytes);
  if (parts.isCutShort) throw damaged("a map of relations is cut short");
  return { dbOid, spcOid, content: main.subarray(at, at + bytes) };
}

function fileOf(parts: Parts): RelationFileId {
  return { spcOid: parts.u32(), dbOid: parts.u32(), relNumber: parts.u32() };
}

const storageCreate = 0x10;
const storageTruncate = 0x20;
