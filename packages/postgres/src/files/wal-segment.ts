import { AppError } from "@tidemark/kit";
import type { Lsn } from "./lsn.ts";

/** What the name of a WAL segment says. */
export interface WalSegment {
  readonly timeline: number;
  /** The first byte of the segment. */
  readonly startLsn: Lsn;
}

/**
 * The 24 hex digits of the segment that holds the byte at `lsn` (src/include/access/xlog_internal.h, XLogFileName):
 * timeline, then the segment number divided by, and modulo, the segments of 4 GiB.
 */
export function walSegmentName(timeline: number, lsn: Lsn, segmentSizeBytes: number): string {
  assertSegmentSize(segmentSizeBytes);
  const size = BigInt(segmentSizeBytes);
  const perFile = 0x1_0000_0000n / size;
  const number = lsn / size;
  return hex8(BigInt(timeline)) + hex8(number / perFile) + hex8(number % perFile);
}

/** The first byte of the segment that holds the byte at `lsn`. */
export function walSegmentStart(lsn: Lsn, segmentSizeBytes: number): Lsn {
  assertSegmentSize(segmentSizeBytes);
  return (lsn - (lsn % BigInt(segmentSizeBytes))) as Lsn;
}

/** Reads a segment's name back; null for a name that is none (or impossible at this segment size). */
export function parseWalSegmentName(name: string, segmentSizeBytes: number): WalSegment | null {
  assertSegmentSize(segmentSizeBytes);
  if (!/^[0-9A-F]{24}$/.test(name)) return null;
  const size = BigInt(segmentSizeBytes);
  const perFile = 0x1_0000_0000n / size;
  const timeline = Number.parseInt(name.slice(0, 8), 16);
  const high = BigInt(`0x${name.slice(8, 16)}`);
  const low = BigInt(`0x${name.slice(16)}`);
  if (timeline === 0 || low >= perFile) return null;
  return { timeline, startLsn: ((high * perFile + low) * size) as Lsn };
}

/** `00000002.history`, the file that tells where timeline 2 branched off. */
export function timelineHistoryName(timeline: number): string {
  return `${hex8(BigInt(timeline))}.history`;
}

/** The names of every segment that holds a byte of [start, end), in order; for "which WAL does this backup need". */
export function walSegmentNames(timeline: number, start: Lsn, end: Lsn, segmentSizeBytes: number): string[] {
  const names: string[] = [];
  const size = BigInt(segmentSizeBytes);
  for (let lsn = walSegmentStart(start, segmentSizeBytes); lsn < end; lsn = (lsn + size) as Lsn) {
    names.push(walSegmentName(timeline, lsn, segmentSizeBytes));
  }
  return names;
}

function hex8(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, "0");
}

/** initdb --wal-segsize: a power of two from 1 MiB to 1 GiB (xlog_internal.h, IsValidWalSegSize). */
function assertSegmentSize(sizeBytes: number): void {
  const isPowerOfTwo = Number.isInteger(sizeBytes) && sizeBytes > 0 && (sizeBytes & (sizeBytes - 1)) === 0;
  if (!isPowerOfTwo || sizeBytes < 1 << 20 || sizeBytes > 1 << 30) {
    throw new AppError("bad-request", { message: `${sizeBytes} bytes is not a WAL segment size` });
  }
}
