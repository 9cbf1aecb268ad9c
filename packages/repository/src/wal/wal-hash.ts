import { createHmac } from "node:crypto";
import { walBlockBytes } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { WalHashKeys } from "../seal/guard-key.ts";
import { walLeaf } from "./seal-wal-block.ts";

export function walHashKeys(context: RepositoryContext): WalHashKeys {
  return context.walHashKeys;
}

/** Puts a hash together from those of the blocks, however the bytes were cut into boxes. */
export class WalHash {
  readonly #keys: WalHashKeys;
  /** One behind the other: as many small arrays as a segment has blocks get old before it is whole. */
  #leaves = new Uint8Array(128 * leafBytes);
  #isSet = new Uint8Array(128);

  constructor(keys: WalHashKeys) {
    this.#keys = keys;
  }

  /** The block that begins at `index * walBlockBytes`. */
  setLeaf(index: number, leaf: Uint8Array): void {
    if (index >= this.#isSet.length) this.#grow(index);
    this.#leaves.set(leaf, index * leafBytes);
    this.#isSet[index] = 1;
  }

  #grow(index: number): void {
    const blocks = Math.max(index + 1, 2 * this.#isSet.length);
    const [leaves, isSet] = [new Uint8Array(blocks * leafBytes), new Uint8Array(blocks)];
    leaves.set(this.#leaves);
    isSet.set(this.#isSet);
    this.#leaves = leaves;
    this.#isSet = isSet;
  }

  #leafAt(index: number): Uint8Array | null {
    return this.#isSet[index] === 1 ? this.#leaves.subarray(index * leafBytes, (index + 1) * leafBytes) : null;
  }

  /** 32 bytes, of `plainBytes` in all; blocks that were never set are zeros. */
  digest(plainBytes: number): Uint8Array {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(plainBytes));
    const root = createHmac("blake2b512", this.#keys.rootKey).update(length);
    for (let index = 0, at = 0; at < plainBytes; index++, at += walBlockBytes) {
      root.update(this.#leafAt(index) ?? this.#zeroLeaf(Math.min(walBlockBytes, plainBytes - at)));
    }
    return new Uint8Array(root.digest().subarray(0, 32));
  }

  #zeroLeaf(lengthBytes: number): Uint8Array {
    const known = this.#zeroLeaves.get(lengthBytes) ?? walLeaf(this.#keys.leafKey, new Uint8Array(lengthBytes));
    this.#zeroLeaves.set(lengthBytes, known);
    return known;
  }

  readonly #zeroLeaves = new Map<number, Uint8Array>();
}

/** A GMAC. */
const leafBytes = 16;
