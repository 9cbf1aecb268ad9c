import { recordHeaderBytes } from "./record-header.ts";

/** What an assembly has: not enough for anything, a header to be looked at, a whole record. */
export const assemblyStep = { more: 0, header: 1, whole: 2 } as const;

/** Puts together a record that does not lie in one piece: cut by a page, or by the end of what was given. */
export class RecordAssembly {
  isOpen = false;
  bytes = new Uint8Array(4096);
  view = new DataView(this.bytes.buffer);
  totalBytes = 0;
  readonly #keep: (rmgr: number, totalBytes: number) => number;
  #gathered = 0;
  /** 0 until the header was found good. */
  #keepBytes = 0;

  constructor(keep: (rmgr: number, totalBytes: number) => number) {
    this.#keep = keep;
  }

  begin(): void {
    this.isOpen = true;
    this.totalBytes = 0;
    this.#gathered = 0;
    this.#keepBytes = 0;
    // One huge record must not be paid for ever after.
    if (this.bytes.length > 1 << 20) this.#setBytes(new Uint8Array(4096));
  }

  end(): void {
    this.isOpen = false;
  }

  get keptBytes(): number {
    return Math.min(this.totalBytes, this.#keepBytes);
  }

  /** How much the record still lacks. Its length stands in its first bytes, which never lie apart from its beginning. */
  get missingBytes(): number {
    return Math.max(this.view.getUint32(0, true) - this.#gathered, 0);
  }

  /** Takes up to `available` bytes; how many it took. */
  take(from: Uint8Array, at: number, available: number): number {
    const goal = this.totalBytes === 0 ? recordHeaderBytes : this.totalBytes;
    const take = Math.min(goal - this.#gathered, available);
    const room = (this.totalBytes === 0 ? recordHeaderBytes : this.#keepBytes) - this.#gathered;
    if (room > 0) {
      const kept = Math.min(take, room);
      this.#makeRoom(this.#gathered + kept);
      this.bytes.set(from.subarray(at, at + kept), this.#gathered);
    }
    this.#gathered += take;
    return take;
  }

  step(): number {
    if (!this.isOpen) return assemblyStep.more;
    if (this.totalBytes === 0) return this.#gathered < recordHeaderBytes ? assemblyStep.more : assemblyStep.header;
    return this.#gathered < this.totalBytes ? assemblyStep.more : assemblyStep.whole;
  }

  headerIsGood(): void {
    this.totalBytes = this.view.getUint32(0, true);
    this.#keepBytes = Math.max(recordHeaderBytes, this.#keep(this.bytes[17] as number, this.totalBytes));
  }

  /** Grows with what has come, not with what a length promises: a damaged one may promise a gigabyte. */
  #makeRoom(wanted: number): void {
    if (wanted <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.#gathered));
    this.#setBytes(larger);
  }

  #setBytes(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}
