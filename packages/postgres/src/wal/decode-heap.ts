import type { RelationFileId } from "./decode-transaction.ts";
import { damaged } from "./record-body.ts";
import { Parts } from "./record-parts.ts";
import { resourceManagers } from "./resource-managers.ts";
import type { WalRecord } from "./wal-record.ts";

export type HeapChangeKind = "insert" | "update" | "delete";

/** Rows that one record changed in one relation. */
export interface HeapChange {
  readonly kind: HeapChangeKind;
  readonly file: RelationFileId;
  readonly rows: number;
}

/** A TRUNCATE as it is written beside the new files, under wal_level logical only. */
export interface HeapTruncate {
  readonly kind: "truncate";
  readonly dbOid: number;
  readonly relationOids: readonly number[];
}

/** Operations of the heap (XLOG_HEAP_*, src/include/access/heapam_xlog.h), by bits 4 to 6 of the info. */
export const heapOperations = { insert: 0x00, delete: 0x10, update: 0x20, truncate: 0x30, hotUpdate: 0x40 } as const;
export const heapMultiInsert = 0x50;

/** What a record of the heap does with a file's rows, without looking further; null when nothing. */
export function heapChangeKind(rmgr: number, info: number): HeapChangeKind | null {
  const operation = info & operationBits;
  if (rmgr === resourceManagers.heap2) return operation === heapMultiInsert ? "insert" : null;
  if (rmgr !== resourceManagers.heap) return null;
  if (operation === heapOperations.insert) return "insert";
  if (operation === heapOperations.delete) return "delete";
  return operation === heapOperations.update || operation === heapOperations.hotUpdate ? "update" : null;
}

/**
 * The rows that a record inserted, updated or deleted; null when it is of another kind. The withdrawal of a speculative
 * insertion (ON CONFLICT) is no deletion.
 *
 * @throws AppError `wal-damaged` when the record is not as long as it says.
 */
export function decodeHeapChange(record: WalRecord): HeapChange | null {
  const kind = heapChangeKind(record.rmgr, record.info);
  if (kind === null) return null;
  const { blocks, mainData } = record.body();
  const block = blocks[0];
  if (block === undefined) throw damaged("a change of rows names no page");
  const file = { spcOid: block.spcOid, dbOid: block.dbOid, relNumber: block.relNumber };
  if (kind === "delete" && ((mainData[deleteFlagsAt] ?? 0) & deleteIsWithdrawal) !== 0) return null;
  if (record.rmgr === resourceManagers.heap) return { kind, file, rows: 1 };
  const parts = new Parts(mainData);
  // xl_heap_multi_insert: flags, a byte of padding, the count.
  parts.pass(2);
  const rows = parts.u16();
  if (parts.isCutShort) throw damaged("an insertion of several rows is cut short");
  return { kind, file, rows };
}

/** @throws AppError `wal-damaged` when the record is not as long as it says. */
export function decodeHeapTruncate(record: WalRecord): HeapTruncate | null {
  if (record.rmgr !== resourceManagers.heap || (record.info & operationBits) !== heapOperations.truncate) return null;
  const parts = new Parts(record.body().mainData);
  const dbOid = parts.u32();
  const count = parts.u32();
  parts.pass(4);
  const relationOids = parts.repeat(count, 4, () => parts.u32());
  if (parts.isCutShort) throw damaged("a truncation is cut short");
  return { kind: "truncate", dbOid, relationOids };
}

const operationBits = 0x70;
/** xl_heap_delete: xmax, offset number, infomask bits, flags; XLH_DELETE_IS_SUPER. */
const deleteFlagsAt = 7;
const deleteIsWithdrawal = 8;
