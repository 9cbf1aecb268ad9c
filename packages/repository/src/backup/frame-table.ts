import { packFrames } from "../format.ts";

/**
 * Where frames of a fingerprint are: an open-addressed table of 4 bytes of the fingerprint and the place. Others may share
 * those 4 bytes, so whoever finds a place looks there for the rest.
 */
export class FrameTable {
  /** Packs that a place can name. */
  static readonly maxPacks = 2 ** 32 / packFrames;
  #slots: Uint32Array;
  #mask: number;
  #used = 0;

  constructor(capacity = 1024) {
    this.#slots = new Uint32Array(capacity * 2);
    this.#mask = capacity - 1;
  }

  /** Frames beyond the bound are left out: they are stored anew. */
  add(fingerprint: Uint8Array, packNumber: number, frameIndex: number): void {
    if (this.#used >= maxFrames || frameIndex >= packFrames || packNumber >= FrameTable.maxPacks) return;
    if (this.#used >= this.#mask * maxLoad) this.#grow();
    this.#put(tagOf(fingerprint), packNumber * packFrames + frameIndex);
    this.#used++;
  }

  *find(fingerprint: Uint8Array): Generator<{ readonly packNumber: number; readonly frameIndex: number }> {
    const tag = tagOf(fingerprint);
    for (let slot = tag & this.#mask; this.#slots[slot * 2] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#slots[slot * 2] !== tag) continue;
      const place = this.#slots[slot * 2 + 1] ?? 0;
      yield { packNumber: Math.floor(place / packFrames), frameIndex: place % packFrames };
    }
  }

  #put(tag: number, place: number): void {
    let slot = tag & this.#mask;
    while (this.#slots[slot * 2] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots[slot * 2] = tag;
    this.#slots[slot * 2 + 1] = place;
  }

  #grow(): void {
    const before = this.#slots;
    this.#mask = this.#mask * 2 + 1;
    this.#slots = new Uint32Array((this.#mask + 1) * 2);
    for (let at = 0; at < before.length; at += 2) {
      const tag = before[at] ?? 0;
      if (tag !== 0) this.#put(tag, before[at + 1] ?? 0);
    }
  }
}

/** 512 GiB of files in full frames. */
const maxFrames = 4 * 1024 * 1024;
const maxLoad = 0.75;

/** Never 0, which means an empty slot. */
function tagOf(fingerprint: Uint8Array): number {
  const view = new DataView(fingerprint.buffer, fingerprint.byteOffset, fingerprint.byteLength);
  return view.getUint32(0) || 1;
}
