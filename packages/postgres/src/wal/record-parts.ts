/** Reads forward; past the end it gives zeros and remembers it. */
export class Parts {
  isCutShort = false;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(): number {
    const at = this.pass(2);
    return this.isCutShort ? 0 : this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.pass(4);
    return this.isCutShort ? 0 : this.#view.getUint32(at, true);
  }

  i64(): bigint {
    const at = this.pass(8);
    return this.isCutShort ? 0n : this.#view.getBigInt64(at, true);
  }

  /** A count and that many of `itemBytes`. */
  list<T>(itemBytes: number, read: () => T): T[] {
    return this.repeat(this.u32(), itemBytes, read);
  }

  repeat<T>(count: number, itemBytes: number, read: () => T): T[] {
    if (count * itemBytes > this.#bytes.length - this.#at) this.isCutShort = true;
    const items: T[] = [];
    for (let index = 0; index < count && !this.isCutShort; index++) items.push(read());
    return items;
  }

  /** Up to a NUL, which is passed too. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end >= 0) return this.textOf(end + 1 - this.#at);
    this.isCutShort = true;
    return "";
  }

  /** So many bytes, of which the last is a NUL. */
  textOf(bytes: number): string {
    const at = this.pass(bytes);
    return this.isCutShort ? "" : Buffer.from(this.#bytes.subarray(at, at + bytes - 1)).toString("utf8");
  }

  align(bytes: number): void {
    this.pass((bytes - (this.#at % bytes)) % bytes);
  }

  pass(bytes: number): number {
    const at = this.#at;
    if (at + bytes > this.#bytes.length) this.isCutShort = true;
    else this.#at = at + bytes;
    return at;
  }
}
