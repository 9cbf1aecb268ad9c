import { open } from "node:fs/promises";
import type { ObjectStore } from "@tidemark/storage";

/** The bytes of an object, some at a time. What is given is valid until more is asked for. */
export class ObjectBytes {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array(0);
  /** What lies in two chunks is put together here, again and again. */
  #joined: Uint8Array = new Uint8Array(0);

  /** A chunk has to be valid until the next one is asked for, no longer. */
  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next `length` bytes; null when there are fewer. */
  async take(length: number): Promise<Uint8Array | null> {
    if (this.#chunk.length < length) return this.#join(length);
    const taken = this.#chunk.subarray(0, length);
    this.#chunk = this.#chunk.subarray(length);
    return taken;
  }

  /** All that is left, where it is at most that much; null when it is more. */
  async rest(mostBytes: number): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    let sum = 0;
    do {
      parts.push(this.#chunk.slice());
      sum += this.#chunk.length;
      if (sum > mostBytes) return null;
    } while (await this.#next());
    return new Uint8Array(Buffer.concat(parts));
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  async #join(length: number): Promise<Uint8Array | null> {
    if (this.#joined.length < length) this.#joined = new Uint8Array(length);
    for (let at = 0; ; ) {
      const part = this.#chunk.subarray(0, length - at);
      this.#joined.set(part, at);
      this.#chunk = this.#chunk.subarray(part.length);
      at += part.length;
      if (at === length) return this.#joined.subarray(0, length);
      if (!(await this.#next())) return null;
    }
  }

  async #next(): Promise<boolean> {
    const step = await this.#chunks.next();
    this.#chunk = step.done === true ? new Uint8Array(0) : step.value;
    return step.done !== true;
  }
}

/**
 * As the store reads an object; where it is a file of this machine, through one buffer that is used again. Chunks are valid until the
 * next one is asked for. The store's are new ones each time, and what they cost is found and freed by collections of all memory.
 */
export async function* lentChunks(
  store: ObjectStore,
  key: string,
  options: { readonly signal?: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const path = store.fileOf?.(key) ?? null;
  const file = path === null ? null : await open(path, "r").catch(() => null);
  if (file === null) {
    yield* store.read(key, options);
    return;
  }
  let given = 0;
  try {
    const buffer = new Uint8Array(chunkBytes);
    for (;;) {
      options.signal?.throwIfAborted();
      const found = await file.read(buffer, 0, buffer.length, given).catch(() => null);
      if (found?.bytesRead === 0) return;
      if (found === null) break;
      given += found.bytesRead;
      yield buffer.subarray(0, found.bytesRead);
    }
  } finally {
    await file.close();
  }
  // It could not be read to its end: the store says why, or can.
  for await (const chunk of store.read(key, options)) {
    const rest = chunk.subarray(Math.min(given, chunk.length));
    given -= chunk.length - rest.length;
    if (rest.length > 0) yield rest;
  }
}

const chunkBytes = 1 << 20;
