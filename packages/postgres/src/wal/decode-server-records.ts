import { type Lsn, toLsn } from "../files/lsn.ts";
import type { ServerLimits } from "../files/server-limits.ts";
import { damaged } from "./record-body.ts";
import { Parts } from "./record-parts.ts";
import { resourceManagers, serverInfo } from "./resource-managers.ts";
import type { WalRestorePoint } from "./wal-facts.ts";
import type { WalRecord } from "./wal-record.ts";
import { dateOfTimestamp } from "./wal-time.ts";

/** A checkpoint's record (CheckPoint, src/include/catalog/pg_control.h). */
export interface CheckpointRecord {
  readonly kind: "online" | "shutdown";
  /** Where recovery from this checkpoint begins. */
  readonly redoLsn: Lsn;
  readonly timeline: number;
  readonly previousTimeline: number;
  readonly fullPageWrites: boolean;
  /** The next transaction's number with its epoch. */
  readonly nextFullXid: bigint;
  readonly nextOid: number;
  readonly oldestXid: number;
  /** When it began; whole seconds. */
  readonly at: Date;
  readonly oldestActiveXid: number;
}

/** The end of a recovery: a timeline begins here without a checkpoint (src/include/access/xlog_internal.h). */
export interface EndOfRecovery {
  readonly at: Date;
  readonly timeline: number;
  readonly previousTimeline: number;
}

/** The settings that a standby must not be below, changed. */
export interface ParameterChange extends ServerLimits {
  /** 0 minimal, 1 replica, 2 logical. */
  readonly walLevel: number;
  readonly walLogHints: boolean;
  readonly trackCommitTimestamp: boolean;
}

/** Null for a record that is none; the other decoders of this file likewise. All throw `wal-damaged` for a short one. */
export function decodeRestorePoint(record: WalRecord): WalRestorePoint | null {
  const parts = partsOf(record, serverInfo.restorePoint);
  if (parts === null) return null;
  const point = decodeRestorePointData(record.body().mainData);
  if (point === null) throw damaged("a restore point is cut short");
  return { ...point, lsn: record.endLsn };
}

/** xl_restore_point: the time and 64 bytes with the name; null when it is cut short. */
export function decodeRestorePointData(main: Uint8Array): { readonly name: string; readonly at: Date } | null {
  if (main.length < 8 + nameBytes) return null;
  const at = dateOfTimestamp(new DataView(main.buffer, main.byteOffset, 8).getBigInt64(0, true));
  const name = main.subarray(8, 8 + nameBytes);
  const end = name.indexOf(0);
  return { at, name: Buffer.from(name.subarray(0, end < 0 ? nameBytes : end)).toString("utf8") };
}

export function decodeCheckpoint(record: WalRecord): CheckpointRecord | null {
  const online = partsOf(record, serverInfo.checkpointOnline);
  const parts = online ?? partsOf(record, serverInfo.checkpointShutdown);
  if (parts === null) return null;
  const redoLsn = toLsn(parts.i64());
  const timeline = parts.u32();
  const previousTimeline = parts.u32();
  // A byte, and in 17 and 18 the WAL level behind it where the others have padding.
  const fullPageWrites = (parts.u32() & 0xff) !== 0;
  parts.pass(4);
  const nextFullXid = BigInt.asUintN(64, parts.i64());
  const nextOid = parts.u32();
  parts.pass(8);
  const oldestXid = parts.u32();
  // Its database, the oldest multixact and its database, padding.
  parts.pass(16);
  const at = new Date(Number(parts.i64()) * 1000);
  parts.pass(8);
  const oldestActiveXid = parts.u32();
  if (parts.isCutShort) throw damaged("a checkpoint is cut short");
  return {
    ...{ kind: online === null ? "shutdown" : "online", redoLsn, timeline, previousTimeline, fullPageWrites },
    ...{ nextFullXid, nextOid, oldestXid, at, oldestActiveXid },
  };
}

export function decodeEndOfRecovery(record: WalRecord): EndOfRecovery | null {
  const parts = partsOf(record, serverInfo.endOfRecovery);
  if (parts === null) return null;
  const end = { at: dateOfTimestamp(parts.i64()), timeline: parts.u32(), previousTimeline: parts.u32() };
  if (parts.isCutShort) throw damaged("an end of recovery is cut short");
  return end;
}

export function decodeParameterChange(record: WalRecord): ParameterChange | null {
  if (!isServerRecord(record, serverInfo.parameterChange)) return null;
  const change = decodeParameterChangeData(record.body().mainData);
  if (change === null) throw damaged("a parameter change is cut short");
  return change;
}

/** xl_parameter_change; null when it is cut short. */
export function decodeParameterChangeData(main: Uint8Array): ParameterChange | null {
  const parts = new Parts(main);
  const change = {
    maxConnections: parts.u32(),
    maxWorkerProcesses: parts.u32(),
    maxWalSenders: parts.u32(),
    maxPreparedTransactions: parts.u32(),
    maxLocksPerTransaction: parts.u32(),
    walLevel: parts.u32(),
  };
  const flags = parts.u16();
  if (parts.isCutShort) return null;
  return { ...change, walLogHints: (flags & 0xff) !== 0, trackCommitTimestamp: flags >> 8 !== 0 };
}

/** The start of the backup that ends here. */
export function decodeBackupEnd(record: WalRecord): { readonly startLsn: Lsn } | null {
  const parts = partsOf(record, serverInfo.backupEnd);
  if (parts === null) return null;
  const startLsn = toLsn(parts.i64());
  if (parts.isCutShort) throw damaged("a backup's end is cut short");
  return { startLsn };
}

/** Where the segment after a switch begins. */
export function decodeSwitch(record: WalRecord): { readonly nextSegmentLsn: Lsn } | null {
  return isServerRecord(record, serverInfo.switch) ? { nextSegmentLsn: record.endLsn } : null;
}

/** The record that a crash left unfinished, and that this one says to forget. */
export function decodeOverwrittenContinuation(record: WalRecord): { readonly overwrittenLsn: Lsn } | null {
  const parts = partsOf(record, serverInfo.overwriteContinuation);
  if (parts === null) return null;
  const overwrittenLsn = toLsn(parts.i64());
  if (parts.isCutShort) throw damaged("an overwritten continuation is cut short");
  return { overwrittenLsn };
}

/** True for whole page images written as such (index builds, copied databases, hints under checksums). */
export function isFullPageImage(record: WalRecord): boolean {
  return isServerRecord(record, serverInfo.fullPageImage) || isServerRecord(record, serverInfo.fullPageImageForHint);
}

function isServerRecord(record: WalRecord, info: number): boolean {
  return record.rmgr === resourceManagers.server && (record.info & 0xf0) === info;
}

function partsOf(record: WalRecord, info: number): Parts | null {
  return isServerRecord(record, info) ? new Parts(record.body().mainData) : null;
}

/** MAXFNAMELEN of xlog_internal.h. */
const nameBytes = 64;
