import { readSync } from "node:fs";
import { frameBytes } from "../format.ts";
import type { BoxRoom } from "../seal/sealed-box.ts";
import type { FrameInspector, FrameJob, FrameOutcome } from "../types.ts";
import { encodeFrame, type Fingerprinter } from "./frame-kernel.ts";

/** A job with `read`. */
export type ReadJob = FrameJob & { readonly read: NonNullable<FrameJob["read"]> };

/**
 * Encodes a frame that this thread reads itself, into the job's plain bytes: it crosses no thread. The inspector comes
 * before everything else, since it may put in what a second reading gives. Throws what reading fails with.
 */
export function readFrame(
  job: ReadJob,
  fingerprint: Fingerprinter,
  inspector: FrameInspector | undefined,
  room: BoxRoom,
): FrameOutcome {
  const part = job.parts[0];
  if (part === undefined || job.parts.length > 1) throw new RangeError("a frame that is read has one part");
  const { fileOffset, lengthBytes } = part;
  const { plain } = job;
  plain.fill(0, readAt(job.read.fd, plain, fileOffset));
  if (isAllZeros(plain)) return { kind: "zeros", parts: [] };
  const readAgain = (): Uint8Array => {
    const again = new Uint8Array(lengthBytes);
    return again.subarray(0, readAt(job.read.fd, again, fileOffset));
  };
  const findings = inspector?.(plain, part.inspect, fileOffset, readAgain) ?? [];
  return encodeFrame(job, fingerprint, () => findings, room);
}

/** How many bytes there were. */
function readAt(fd: number, into: Uint8Array, fileOffset: number): number {
  let filled = 0;
  while (filled < into.length) {
    const count = readSync(fd, into, filled, into.length - filled, fileOffset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

const zeros = Buffer.alloc(frameBytes);

function isAllZeros(bytes: Uint8Array): boolean {
  return zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;
}
