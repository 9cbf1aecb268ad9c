/** Reads what `ByteWriter` wrote. Running past the end throws a RangeError, which the readers of objects turn into damage. */
export class ByteReader {
  readonly #bytes: Buffer;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = at;
  }

  get done(): boolean {
    return this.at >= this.#bytes.length;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.at;
  }

  u8(): number {
    const value = this.#bytes.readUInt8(this.at);
    this.at += 1;
    return value;
  }

  u16(): number {
    const value = this.#bytes.readUInt16LE(this.at);
    this.at += 2;
    return value;
  }

  u32(): number {
    const value = this.#bytes.readUInt32LE(this.at);
    this.at += 4;
    return value;
  }

  u64(): number {
    const value = Number(this.#bytes.readBigUInt64LE(this.at));
    if (!Number.isSafeInteger(value)) throw new RangeError("a number beyond 2^53");
    this.at += 8;
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 0x80;
    }
    if (!Number.isSafeInteger(value)) throw new RangeError("a varint beyond 2^53");
    return value;
  }

  signed(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** A view into the bytes, not a copy. */
  bytes(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError("bytes past the end");
    const found = this.#bytes.subarray(this.at, end);
    this.at = end;
    return new Uint8Array(found.buffer, found.byteOffset, found.length);
  }

  skip(length: number): void {
    if (length > this.left) throw new RangeError("bytes past the end");
    this.at += length;
  }

  /** The next bytes, as many as `target` takes. */
  copyTo(target: Uint8Array): void {
    const end = this.at + target.length;
    if (end > this.#bytes.length) throw new RangeError("bytes past the end");
    this.#bytes.copy(target, 0, this.at, end);
    this.at = end;
  }

  /** The next bytes, into a part of `target`. */
  copyInto(target: Uint8Array, targetAt: number, length: number): void {
    const end = this.at + length;
    if (end > this.#bytes.length) throw new RangeError("bytes past the end");
    // Byte by byte: for the few there are, a call costs more.
    for (let at = 0; at < length; at++) target[targetAt + at] = this.#bytes[this.at + at] as number;
    this.at = end;
  }

  sized(): Uint8Array {
    return this.bytes(this.varint());
  }

  fixedText(width: number): string {
    const text = Buffer.from(this.bytes(width)).toString("latin1");
    const found = text.replace(/\0+$/, "");
    if (found.includes("\0")) throw new RangeError("a text goes on behind its end");
    return found;
  }
}
