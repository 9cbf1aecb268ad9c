import { AppError, crc32c } from "@tidemark/kit";
import { type Lsn, toLsn } from "./lsn.ts";
import type { ServerLimits } from "./server-limits.ts";

/** DBState of src/include/catalog/pg_control.h, in its order. */
export const clusterStates = [
  "starting-up",
  "shut-down",
  "shut-down-in-recovery",
  "shutting-down",
  "in-crash-recovery",
  "in-archive-recovery",
  "in-production",
] as const;
export type ClusterState = (typeof clusterStates)[number];

/** The fields of `global/pg_control` we use, of every major from 13 to 18. */
export interface PgControl {
  readonly systemIdentifier: bigint;
  /** 1300 for 13–16, 1700, 1800. */
  readonly controlVersion: number;
  readonly catalogVersion: number;
  /** Null when the catalog version belongs to no release we know (a development build). */
  readonly major: number | null;
  readonly state: ClusterState;
  readonly checkpointLsn: Lsn;
  readonly redoLsn: Lsn;
  readonly timeline: number;
  readonly previousTimeline: number;
  readonly checkpointAt: Date;
  readonly minRecoveryLsn: Lsn;
  readonly minRecoveryTimeline: number;
  readonly backupStartLsn: Lsn;
  readonly backupEndLsn: Lsn;
  readonly backupEndRequired: boolean;
  readonly walLevel: "minimal" | "replica" | "logical";
  /** Limits a hot standby must not undercut, else its recovery stops. */
  readonly limits: ServerLimits;
  readonly blockSizeBytes: number;
  readonly blocksPerSegment: number;
  readonly walBlockSizeBytes: number;
  readonly walSegmentSizeBytes: number;
  readonly dataChecksums: boolean;
}

/**
 * Parses `global/pg_control`. Little-endian servers only: the file is in the server's own byte order, and the control
 * version tells which that is.
 *
 * @throws AppError `backup-stream-damaged` when it is too short, of an unknown layout, or its CRC does not match.
 */
export function parsePgControl(bytes: Uint8Array): PgControl {
  const layout = bytes.length >= 16 ? layouts.get(view(bytes).getUint32(8, true)) : undefined;
  if (layout === undefined || bytes.length < layout.crcAt + 4) {
    throw damaged("it is too short or of a version that is none of 13 to 18");
  }
  const control = view(bytes);
  if (crc32c(bytes.subarray(0, layout.crcAt)) !== control.getUint32(layout.crcAt, true))
    throw damaged("its CRC does not match");
  const u32 = (at: number): number => control.getUint32(at, true);
  const lsn = (at: number): Lsn => toLsn(control.getBigUint64(at, true));
  const state = clusterStates[u32(16)];
  const walLevel = walLevels[u32(172)];
  if (state === undefined || walLevel === undefined) throw damaged("its state or WAL level is unknown");
  return {
    systemIdentifier: control.getBigUint64(0, true),
    controlVersion: u32(8),
    catalogVersion: u32(12),
    major: majorsByCatalogVersion.get(u32(12)) ?? null,
    state,
    checkpointLsn: lsn(32),
    redoLsn: lsn(40),
    timeline: u32(48),
    previousTimeline: u32(52),
    checkpointAt: new Date(Number(control.getBigInt64(104, true)) * 1000),
    minRecoveryLsn: lsn(136),
    minRecoveryTimeline: u32(144),
    backupStartLsn: lsn(152),
    backupEndLsn: lsn(160),
    backupEndRequired: control.getUint8(168) !== 0,
    walLevel,
    limits: {
      maxConnections: u32(180),
      maxWorkerProcesses: u32(184),
      maxWalSenders: u32(188),
      maxPreparedTransactions: u32(192),
      maxLocksPerTransaction: u32(196),
    },
    blockSizeBytes: u32(216),
    blocksPerSegment: u32(220),
    walBlockSizeBytes: u32(224),
    walSegmentSizeBytes: u32(228),
    dataChecksums: u32(252) !== 0,
  };
}

/** The major a catalog version belongs to; the second half of a tablespace's folder name `PG_<major>_<catversion>`. */
export const majorsByCatalogVersion: ReadonlyMap<number, number> = new Map([
  [202007201, 13],
  [202107181, 14],
  [202209061, 15],
  [202307071, 16],
  [202406281, 17],
  [202506291, 18],
]);

/** Where the CRC lies: 18 added default_char_signedness in front of the nonce, which moves it by four bytes. */
const layouts: ReadonlyMap<number, { readonly crcAt: number }> = new Map([
  [1300, { crcAt: 288 }],
  [1700, { crcAt: 288 }],
  [1800, { crcAt: 292 }],
]);

const walLevels = ["minimal", "replica", "logical"] as const;

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(why: string): AppError {
  return new AppError("backup-stream-damaged", { message: `global/pg_control cannot be read: ${why}` });
}
