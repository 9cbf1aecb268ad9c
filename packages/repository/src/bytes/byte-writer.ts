/** Appends numbers, text and bytes to a buffer that grows. Integers of fixed width are little-endian. */
export class ByteWriter {
  #bytes: Buffer;
  #length = 0;

  constructor(initialBytes = 1024) {
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written so far; valid until the next write or `clear`. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** A copy of its own. */
  take(): Uint8Array {
    return new Uint8Array(this.view());
  }

  clear(): void {
    this.#length = 0;
  }

  u8(value: number): this {
    this.#room(1);
    this.#length = this.#bytes.writeUInt8(value, this.#length);
    return this;
  }

  u16(value: number): this {
    this.#room(2);
    this.#length = this.#bytes.writeUInt16LE(value, this.#length);
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    this.#length = this.#bytes.writeUInt32LE(value, this.#length);
    return this;
  }

  u64(value: number): this {
    this.#room(8);
    this.#length = this.#bytes.writeBigUInt64LE(BigInt(value), this.#length);
    return this;
  }

  /** LEB128: seven bits a byte, lowest first, the top bit set on all but the last. Up to 2^53 - 1. */
  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} cannot be written as a varint`);
    this.#room(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  /** A signed number as varint: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
  signed(value: number): this {
    return this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** A few bytes of an array, without a view on them. */
  part(bytes: Uint8Array, from: number, to: number): this {
    this.#room(to - from);
    for (let at = from; at < to; at++) this.#bytes[this.#length++] = bytes[at] as number;
    return this;
  }

  /** A varint length and the bytes. */
  sized(bytes: Uint8Array): this {
    return this.varint(bytes.length).bytes(bytes);
  }

  /** ASCII text in a field of a fixed width, filled up with zero bytes. */
  fixedText(text: string, width: number): this {
    const bytes = Buffer.alloc(width);
    if (text.length > width) throw new RangeError(`${text} does not fit into ${width} bytes`);
    bytes.write(text, "latin1");
    return this.bytes(bytes);
  }

  #room(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
