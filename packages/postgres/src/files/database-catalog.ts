import { AppError, crc32c } from "@tidemark/kit";
import { catalogTuplesOf, isVisibleTuple, type TransactionStatus } from "./catalog-tuples.ts";

/** A row of `pg_database`, as it lies in the files of a cluster. */
export interface DatabaseRow {
  readonly oid: number;
  readonly name: string;
  readonly isTemplate: boolean;
}

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
    for (const { tuple } of catalogTuplesOf(page)) {
      if (tuple.length >= shortestRowBytes && isVisibleTuple(tuple, options.statusOf))
        rows.push(rowOf(tuple, options.major));
    }
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
/** Header of 23 bytes, aligned to 24, and the columns up to datistemplate. */
const shortestRowBytes = 24 + 78;
