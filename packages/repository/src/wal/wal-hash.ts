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
  readonly #leaves = new Map<number, Uint8Array>();

  constructor(keys: WalHashKeys) {
    this.#keys = keys;
  }

  /** The block that begins at `index * walBlockBytes`. */
  setLeaf(index: number, leaf: Uint8Array): void {
    this.#leaves.set(index, leaf);
  }

  /** 32 bytes, of `plainBytes` in all; blocks that were never set are zeros. */
  digest(plainBytes: number): Uint8Array {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(plainBytes));
    const root = createHmac("blake2b512", this.#keys.rootKey).update(length);
    for (let index = 0, at = 0; at < plainBytes; index++, at += walBlockBytes) {
      root.update(this.#leaves.get(index) ?? this.#zeroLeaf(Math.min(walBlockBytes, plainBytes - at)));
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
