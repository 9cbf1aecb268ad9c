/** How many relations of a segment are named; beyond, a segment says only that they are many. */
export const relationLimit = 500;

/**
 * The distinct relations of a segment. Open addressing over numbers, because it is asked for each block reference: with a
 * Map of strings the scan took several times as long.
 */
export class RelationSet {
  readonly #table = new Uint32Array(slots * 3);
  readonly #used = new Uint16Array(relationLimit + 1);
  #count = 0;
  #lastSlot = -1;

  add(spcOid: number, dbOid: number, relNumber: number): void {
    const table = this.#table;
    // One record after the other refers to the same few relations.
    const last = this.#lastSlot;
    if (last >= 0 && table[last + 2] === relNumber && table[last + 1] === dbOid && table[last] === spcOid) return;
    let slot = (Math.imul(relNumber ^ (dbOid << 7), 0x9e3779b1) >>> shift) * 3;
    for (;;) {
      const isFree = table[slot + 2] === 0;
      if (isFree) break;
      if (table[slot + 2] === relNumber && table[slot + 1] === dbOid && table[slot] === spcOid) {
        this.#lastSlot = slot;
        return;
      }
      slot = slot + 3 === table.length ? 0 : slot + 3;
    }
    // No relation has the number 0 (InvalidRelFileNumber).
    if (this.#count > relationLimit || relNumber === 0) return;
    table[slot] = spcOid;
    table[slot + 1] = dbOid;
    table[slot + 2] = relNumber;
    this.#used[this.#count++] = slot / 3;
    this.#lastSlot = slot;
  }

  /** `spcOid/dbOid/relNumber` each, in the order they were met; null when there were over `relationLimit`. */
  names(): string[] | null {
    if (this.#count > relationLimit) return null;
    return [...this.#used.subarray(0, this.#count)].map((slot) =>
      this.#table.subarray(slot * 3, slot * 3 + 3).join("/"),
    );
  }

  clear(): void {
    if (this.#count > 0) this.#table.fill(0);
    this.#count = 0;
    this.#lastSlot = -1;
  }
}

const slots = 2048;
/** Leaves 11 bits: a slot. */
const shift = 32 - 11;
