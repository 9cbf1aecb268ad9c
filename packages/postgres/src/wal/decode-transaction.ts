import { type Lsn, toLsn } from "../files/lsn.ts";
import { damaged } from "./record-body.ts";
import { Parts } from "./record-parts.ts";
import { resourceManagers } from "./resource-managers.ts";
import type { WalRecord } from "./wal-record.ts";
import { dateOfTimestamp, unixMicrosOf } from "./wal-time.ts";
import { type WalVersion, walVersionOf } from "./wal-versions.ts";

/** A relation's place in the file system. */
export interface RelationFileId {
  readonly spcOid: number;
  readonly dbOid: number;
  readonly relNumber: number;
}

/** An object whose statistics went with its creator or its drop (15+): a relation's `objectId` is its OID. */
export interface DroppedStatistics {
  /** PGSTAT_KIND_* (src/include/pgstat.h); 2 is a relation in 15 to 18. */
  readonly kind: number;
  readonly dbOid: number;
  readonly objectId: bigint;
}

/** How a transaction ended. */
export interface TransactionEnd {
  readonly kind: "commit" | "abort";
  /** It had been prepared; `xid` is then its own, not the session's that ended it. */
  readonly wasPrepared: boolean;
  readonly xid: number;
  readonly at: Date;
  /** The same in microseconds of Unix time, as the server recorded it. */
  readonly atMicros: bigint;
  readonly dbOid: number | null;
  readonly subXids: readonly number[];
  /** Files that go with this end. */
  readonly droppedFiles: readonly RelationFileId[];
  readonly droppedStatistics: readonly DroppedStatistics[];
  /** Name of the prepared transaction, where the record has it (wal_level logical). */
  readonly gid: string | null;
  readonly origin: { readonly lsn: Lsn; readonly at: Date } | null;
}

/** A transaction prepared for a two-phase commit. */
export interface PreparedTransaction {
  readonly xid: number;
  readonly gid: string;
  readonly at: Date;
  readonly dbOid: number;
  readonly subXids: readonly number[];
}

export type TransactionRecordKind =
  | "commit"
  | "prepare"
  | "abort"
  | "commit-prepared"
  | "abort-prepared"
  | "assignment"
  | "invalidations"
  | "unknown";

/** By bits 4 to 6 of the info (XLOG_XACT_*, src/include/access/xact.h). */
export function transactionKind(info: number): TransactionRecordKind {
  return kinds[(info >> 4) & 7] as TransactionRecordKind;
}

const kinds: readonly TransactionRecordKind[] = [
  ...(["commit", "prepare", "abort", "commit-prepared"] as const),
  ...(["abort-prepared", "assignment", "invalidations", "unknown"] as const),
];

/**
 * The end of a transaction; null for any other record.
 *
 * @throws AppError `wal-damaged` when the record is not as long as it says.
 */
export function decodeTransactionEnd(record: WalRecord, major: number): TransactionEnd | null {
  if (record.rmgr !== resourceManagers.transaction) return null;
  const end = decodeTransactionData(record.body().mainData, record.info, record.xid, walVersionOf(major));
  if (end === null && isEnd(record.info)) throw damaged("the end of a transaction is cut short");
  return end;
}

function isEnd(info: number): boolean {
  const kind = transactionKind(info);
  return kind === "commit" || kind === "abort" || kind === "commit-prepared" || kind === "abort-prepared";
}

/** ParseCommitRecord and ParseAbortRecord (xactdesc.c); null when it is no end or is not as long as it says. */
export function decodeTransactionData(
  main: Uint8Array,
  info: number,
  recordXid: number,
  version: WalVersion,
): TransactionEnd | null {
  if (!isEnd(info) || main.length < 8) return null;
  const kind = transactionKind(info);
  const parts = new Parts(main);
  const micros = parts.i64();
  const flags = (info & hasInfo) === 0 ? 0 : parts.u32();
  const has = (bit: number) => (flags & bit) !== 0;
  const dbOid = has(xinfo.database) ? parts.u32() : null;
  if (has(xinfo.database)) parts.pass(4);
  const subXids = has(xinfo.subtransactions) ? parts.list(4, () => parts.u32()) : [];
  const droppedFiles = has(xinfo.files) ? parts.list(12, () => relationFile(parts)) : [];
  const statsBytes = version.droppedStatsBytes;
  const droppedStatistics =
    statsBytes > 0 && has(xinfo.statistics) ? parts.list(statsBytes, () => statistics(parts, statsBytes)) : [];
  if (has(xinfo.invalidations)) parts.list(16, () => parts.pass(16));
  const xid = has(xinfo.twoPhase) ? parts.u32() : recordXid;
  const gid = has(xinfo.gid) ? parts.text() : null;
  const origin = has(xinfo.origin) ? { lsn: toLsn(parts.i64()), at: dateOfTimestamp(parts.i64()) } : null;
  if (parts.isCutShort) return null;
  return {
    kind: kind === "commit" || kind === "commit-prepared" ? "commit" : "abort",
    wasPrepared: kind === "commit-prepared" || kind === "abort-prepared",
    ...{ xid, at: dateOfTimestamp(micros), atMicros: unixMicrosOf(micros), dbOid },
    ...{ subXids, droppedFiles, droppedStatistics, gid, origin },
  };
}

function relationFile(parts: Parts): RelationFileId {
  return { spcOid: parts.u32(), dbOid: parts.u32(), relNumber: parts.u32() };
}

/** xl_xact_stats_item; from 18 on with an identifier of 64 bits in two halves, the lower first. */
function statistics(parts: Parts, bytes: number): DroppedStatistics {
  const kind = parts.u32();
  const dbOid = parts.u32();
  const low = BigInt(parts.u32());
  return { kind, dbOid, objectId: bytes > 12 ? low | (BigInt(parts.u32()) << 32n) : low };
}

/**
 * A transaction that was prepared; null for any other record (xl_xact_prepare, src/include/access/xact.h).
 *
 * @throws AppError `wal-damaged` when the record is not as long as it says.
 */
export function decodePrepare(record: WalRecord, major: number): PreparedTransaction | null {
  if (record.rmgr !== resourceManagers.transaction || transactionKind(record.info) !== "prepare") return null;
  const parts = new Parts(record.body().mainData);
  parts.pass(8);
  const xid = parts.u32();
  const dbOid = parts.u32();
  const at = dateOfTimestamp(parts.i64());
  parts.pass(4);
  const subCount = parts.u32();
  // Files dropped by its commit and its abort, statistics of both (15+), invalidations, and a flag.
  parts.pass(8 + (walVersionOf(major).preparedHasStats ? 8 : 0) + 4 + 2);
  const gidBytes = parts.u16();
  parts.pass(16);
  const gid = parts.textOf(gidBytes);
  parts.align(8);
  const subXids = parts.repeat(subCount, 4, () => parts.u32());
  if (parts.isCutShort) throw damaged("a prepared transaction is cut short");
  return { xid, gid, at, dbOid, subXids };
}

/** XLOG_XACT_HAS_INFO and the bits of xl_xact_xinfo (src/include/access/xact.h). */
const hasInfo = 0x80;
const xinfo = {
  database: 1,
  subtransactions: 2,
  files: 4,
  invalidations: 8,
  twoPhase: 16,
  origin: 32,
  gid: 128,
  statistics: 256,
} as const;
