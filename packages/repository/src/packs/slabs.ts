import { copyBytes } from "../bytes/copy-bytes.ts";

/**
 * Where packs are put together: memory in pieces of 1 MiB that go round. A pack of many small buffers made for the purpose
 * costs the mapping and collecting of each; one of a single buffer costs 32 MiB even where there is little to store.
 */
export class SlabShelf {
  readonly #free: Uint8Array[] = [];

  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(slabBytes);
  }

  give(slabs: readonly Uint8Array[]): void {
    this.#free.push(...slabs);
  }
}

/** Bytes one after another, copied into slabs. */
export class SlabStack {
  readonly #shelf: SlabShelf;
  readonly #slabs: Uint8Array[] = [];
  /** How much of the last slab is taken. */
  #used = slabBytes;

  constructor(shelf: SlabShelf) {
    this.#shelf = shelf;
  }

  add(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === slabBytes) {
        this.#slabs.push(this.#shelf.take());
        this.#used = 0;
      }
      const taken = Math.min(bytes.length - at, slabBytes - this.#used);
      const slab = this.#slabs.at(-1);
      if (slab !== undefined) copyBytes(bytes, slab, this.#used, at, at + taken);
      this.#used += taken;
      at += taken;
    }
  }

  /** All of it, in order; valid until `release`. */
  chunks(): Uint8Array[] {
    return this.#slabs.map((slab, index) => (index < this.#slabs.length - 1 ? slab : slab.subarray(0, this.#used)));
  }

  /** Gives the memory back; nothing that `chunks` gave may be read any more. */
  release(): void {
    this.#shelf.give(this.#slabs.splice(0));
    this.#used = slabBytes;
  }
}

const slabBytes = 1024 * 1024;
