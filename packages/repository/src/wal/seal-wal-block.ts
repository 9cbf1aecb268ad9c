import type { BoxCompression } from "../seal/compression.ts";
import { gmac } from "../seal/gmac.ts";
import { type BoxRoom, sealBoxInParts, sealPacked } from "../seal/sealed-box.ts";
import type { FrameSealing } from "../types.ts";
import type { ZstdLines } from "./zstd-lines.ts";

/** What a block of WAL is asked to become. Runs in a worker thread, or where it is when it is small. */
export interface WalBlockJob {
  /** What there is of the block, from its first byte; in a pool the beginning of a `FrameMemory`. */
  readonly plain: Uint8Array;
  /** From here on it goes into the box; what is before lies in earlier ones. */
  readonly from: number;
  readonly sealing: FrameSealing;
  readonly compression: BoxCompression;
  /** What the block is hashed with; null: it is not complete yet. */
  readonly leafKey: Uint8Array | null;
}

export interface WalBlockOutcome {
  /** Parts of the box that follow each other. They lie in `room` when one was given, or are the job's plain bytes. */
  readonly stored: readonly Uint8Array[];
  /** 16 bytes; null without a `leafKey`. */
  readonly leaf: Uint8Array | null;
}

/** Synchronous: a block takes 0.2 to 0.6 ms. */
export function sealWalBlock(
  { plain, from, sealing, compression, leafKey }: WalBlockJob,
  room?: BoxRoom,
): WalBlockOutcome {
  return {
    stored: sealBoxInParts(plain.subarray(from), sealing, compression, room),
    leaf: leafKey === null ? null : walLeaf(leafKey, plain),
  };
}

/** The same, compressed in the background where that is zstd; the rest of it takes some 50 µs. */
export async function sealWalBlockBeside(
  lines: ZstdLines,
  job: WalBlockJob,
  room: BoxRoom | undefined,
): Promise<WalBlockOutcome> {
  const { plain, from, sealing, compression, leafKey } = job;
  if (compression.codec !== "zstd") return sealWalBlock(job, room);
  const boxed = plain.subarray(from);
  const payload = await lines.compress(boxed, compression.level);
  return {
    stored: [sealPacked(boxed, payload === null ? null : { codec: "zstd", payload }, sealing, room)],
    leaf: leafKey === null ? null : walLeaf(leafKey, plain),
  };
}

/**
 * GMAC of a block under one nonce, which is a universal hash as long as the key and what comes out are secret: neither is
 * ever stored. A small part of the time of BLAKE2b, which is what lets a segment be hashed while it streams.
 */
export function walLeaf(leafKey: Uint8Array, plain: Uint8Array): Uint8Array {
  return new Uint8Array(gmac(leafKey, leafNonce, plain));
}

const leafNonce = new Uint8Array(12);
