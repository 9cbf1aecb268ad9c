/** The bytes of a stream, some at a time. */
export class ObjectBytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, valid as long as nobody changes them; null when there are fewer. */
  async take(length: number): Promise<Uint8Array | null> {
    if (this.#chunk.length < length && !(await this.#gather(length))) return null;
    const taken = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return taken;
  }

  /** All that is left, where it is at most that much; null when it is more. */
  async rest(mostBytes: number): Promise<Uint8Array | null> {
    await this.#gather(mostBytes + 1);
    return this.#chunk.length > mostBytes ? null : this.#chunk;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #gather(length: number): Promise<boolean> {
    const parts = [this.#chunk];
    let sum = this.#chunk.length;
    while (sum < length) {
      const step = await this.#chunks.next();
      if (step.done === true) break;
      parts.push(step.value);
      sum += step.value.length;
    }
    this.#chunk = parts.length === 1 ? this.#chunk : new Uint8Array(Buffer.concat(parts));
    return sum >= length;
  }
}
