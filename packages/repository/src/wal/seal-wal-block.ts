import type { BoxCompression } from "../seal/compression.ts";
import { gmac } from "../seal/gmac.ts";
import { type BoxRoom, sealBoxInParts, sealPacked } from "../seal/sealed-box.ts";
import type { FrameSealing } from "../types.ts";

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
  // Before its box is made, which may take the place of the plain bytes.
  const leaf = leafKey === null ? null : walLeaf(leafKey, plain);
  return { stored: sealBoxInParts(plain.subarray(from), sealing, compression, room), leaf };
}

/** The same of what was compressed elsewhere; null: that is not smaller. Takes some 30 µs. */
export function sealPackedBlock(
  { plain, from, sealing, leafKey }: WalBlockJob,
  packed: Uint8Array | null,
  room?: BoxRoom,
): WalBlockOutcome {
  const leaf = leafKey === null ? null : walLeaf(leafKey, plain);
  const payload = packed === null ? null : ({ codec: "zstd", payload: packed } as const);
  return { stored: [sealPacked(plain.subarray(from), payload, sealing, room)], leaf };
}

/**
 * GMAC of a block under one nonce, which is a universal hash as long as the key and what comes out are secret: neither is
 * ever stored. A small part of the time of BLAKE2b, which is what lets a segment be hashed while it streams.
 */
export function walLeaf(leafKey: Uint8Array, plain: Uint8Array): Uint8Array {
  return new Uint8Array(gmac(leafKey, leafNonce, plain));
}

const leafNonce = new Uint8Array(12);
