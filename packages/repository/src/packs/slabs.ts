import { copyBytes } from "../bytes/copy-bytes.ts";

/**
 * Where packs are put together: memory in pieces of 1 MiB that go round. A pack of many small buffers made for the purpose
 * costs the mapping and collecting of each. After a few pieces all that two packs need is asked for at once: the system gives
 * what is touched, but V8, whose heap is held small, goes through the whole of it for every 12 MiB that it hears of (six times a
 * backup, a tenth of its processor time, measured 2026-11).
 */
export class SlabShelf {
  readonly #free: Uint8Array[] = [];
  readonly #made: ArrayBuffer[] = [];

  take(): Uint8Array {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const slabs = this.#made.length < slabsOneByOne ? 1 : slabsTogether;
    const buffer = new ArrayBuffer(slabs * slabBytes);
    this.#made.push(buffer);
    for (let slab = slabs - 1; slab > 0; slab--) this.#free.push(new Uint8Array(buffer, slab * slabBytes, slabBytes));
    return new Uint8Array(buffer, 0, slabBytes);
  }

  give(slabs: readonly Uint8Array[]): void {
    this.#free.push(...slabs);
  }

  /** Gives all memory back, now and not at some later collection. Nothing that was taken may be used any more. */
  close(): void {
    this.#free.length = 0;
    for (const buffer of this.#made.splice(0)) buffer.transfer(0);
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
/** As many as most increments fill. */
const slabsOneByOne = 8;
/** With those before them two packs, whose boxes may be a little longer than what is in them. */
const slabsTogether = 58;
