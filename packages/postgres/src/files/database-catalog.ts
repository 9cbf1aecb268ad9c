import { AppError, crc32c } from "@tidemark/kit";

/** A row of `pg_database`, as it lies in the files of a cluster. */
export interface DatabaseRow {
  readonly oid: number;
  readonly name: string;
  readonly isTemplate: boolean;
}

/** What a transaction came to, as `pg_xact` has it. */
export type TransactionStatus = "in-progress" | "committed" | "aborted" | "sub-committed";

/** OID of pg_database, a shared catalog (src/include/catalog/pg_database.h). */
export const databaseRelationOid = 1262;

/**
 * The file number of a mapped relation from the bytes of a `pg_filenode.map` (src/backend/utils/cache/relmapper.c,
 * RelMapFile: magic, number of mappings, up to 62 (64 from 16) pairs of OID and file number, CRC-32C of what is before
 * it). Throws `backup-damaged` when it is no such file, or null when it does not name the relation.
 */
export function mappedFileNumber(map: Uint8Array, relationOid: number): number | null {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  const crcAt = map.length >= mapBytes.new ? mapBytes.new - 4 : mapBytes.old - 8;
  if (map.length < mapBytes.old || view.getUint32(0, true) !== mapMagic) throw damaged("it has another beginning");
  if (view.getUint32(crcAt, true) !== crc32c(map.subarray(0, crcAt))) throw damaged("its CRC does not match");
  const count = view.getInt32(4, true);
  for (let index = 0; index < count; index++) {
    if (view.getUint32(8 + index * 8, true) === relationOid) return view.getUint32(12 + index * 8, true);
  }
  return null;
}

function damaged(why: string): AppError {
  return new AppError("backup-damaged", { message: `global/pg_filenode.map cannot be read: ${why}` });
}

/**
 * The databases in the pages of `pg_database`, as a snapshot sees them that knows every committed transaction: inserted
 * by one that committed, and not deleted by one. `statusOf` is asked where the row itself does not say.
 * Servers from 13 to 18; the fixed columns in front did not change but for the place of `datistemplate`.
 */
export function readDatabaseRows(
  pages: Uint8Array,
  options: {
    readonly blockSize: number;
    readonly major: number;
    readonly statusOf: (transactionId: number) => TransactionStatus;
  },
): readonly DatabaseRow[] {
  const rows: DatabaseRow[] = [];
  for (let at = 0; at + options.blockSize <= pages.length; at += options.blockSize) {
    const page = pages.subarray(at, at + options.blockSize);
    for (const tuple of tuplesOf(page)) if (isVisible(tuple, options.statusOf)) rows.push(rowOf(tuple, options.major));
  }
  return rows;
}

/** The status of a transaction in the bytes of one `pg_xact` segment: two bits each, four a byte, lowest first (clog.c). */
export function transactionStatusIn(segment: Uint8Array, transactionId: number): TransactionStatus {
  const within = transactionId % transactionsPerSegment;
  const byte = segment[Math.floor(within / 4)] ?? 0;
  return statuses[(byte >> ((within % 4) * 2)) & 3] as TransactionStatus;
}

/** The name of the `pg_xact` segment that holds a transaction: 32 pages each (slru.c), hexadecimal, at least four digits. */
export function transactionSegmentName(transactionId: number): string {
  return Math.floor(transactionId / transactionsPerSegment)
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
}

const statuses = ["in-progress", "committed", "aborted", "sub-committed"] as const;
/** 32 pages of 8192 bytes, four transactions a byte. */
const transactionsPerSegment = 32 * 8192 * 4;

/** Line pointers that are in use and point to a tuple (src/include/storage/itemid.h: 15 bits offset, 2 flags, 15 length). */
function* tuplesOf(page: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const lower = view.getUint16(12, true);
  for (let at = pageHeaderBytes; at + 4 <= Math.min(lower, page.length); at += 4) {
    const pointer = view.getUint32(at, true);
    const offset = pointer & 0x7fff;
    const isNormal = ((pointer >>> 15) & 3) === 1;
    const length = pointer >>> 17;
    if (isNormal && length >= shortestRowBytes && offset + length <= page.length) {
      yield page.subarray(offset, offset + length);
    }
  }
}

/** What HeapTupleSatisfiesMVCC would say to somebody who came after every transaction (heapam_visibility.c). */
function isVisible(tuple: Uint8Array, statusOf: (transactionId: number) => TransactionStatus): boolean {
  const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.byteLength);
  const flags = view.getUint16(20, true);
  const isFrozen = (flags & heapXminFrozen) === heapXminFrozen;
  if (!isFrozen) {
    if ((flags & heapXminInvalid) !== 0) return false;
    if ((flags & heapXminCommitted) === 0 && statusOf(view.getUint32(0, true)) !== "committed") return false;
  }
  // Locked only, or by several: still there, since whoever deletes a database holds it alone.
  if ((flags & (heapXmaxInvalid | heapXmaxLockOnly | heapXmaxIsMulti)) !== 0) return true;
  if ((flags & heapXmaxCommitted) !== 0) return false;
  const deleter = view.getUint32(4, true);
  return deleter === 0 || statusOf(deleter) !== "committed";
}

function rowOf(tuple: Uint8Array, major: number): DatabaseRow {
  const view = new DataView(tuple.buffer, tuple.byteOffset, tuple.byteLength);
  const user = tuple.subarray(tuple[22] as number);
  const end = user.indexOf(0, 4);
  return {
    oid: view.getUint32(tuple[22] as number, true),
    name: Buffer.from(user.subarray(4, Math.min(end < 0 ? 68 : end, 68))).toString("utf8"),
    // oid, datname (64), datdba, encoding; then datcollate and datctype (64 each) up to 14, datlocprovider from 15.
    isTemplate: user[major >= 15 ? 77 : 204] !== 0,
  };
}

const mapMagic = 0x592717;
/** 16 dropped the padding behind the CRC and has room for 64 mappings instead of 62. */
const mapBytes = { old: 512, new: 524 } as const;
const pageHeaderBytes = 24;
/** Header of 23 bytes, aligned to 24, and the columns up to datistemplate. */
const shortestRowBytes = 24 + 78;
// src/include/access/htup_details.h
const heapXminCommitted = 0x0100;
const heapXminInvalid = 0x0200;
const heapXminFrozen = 0x0300;
const heapXmaxCommitted = 0x0400;
const heapXmaxInvalid = 0x0800;
const heapXmaxIsMulti = 0x1000;
const heapXmaxLockOnly = 0x0080;
