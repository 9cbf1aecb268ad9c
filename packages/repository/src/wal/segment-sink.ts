import { randomBytes } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { AppendableObject, ObjectStore } from "@tidemark/storage";

/** Where a segment grows until it is stored whole. One act at a time. */
export interface SegmentSink {
  readonly sizeBytes: number;
  append(chunks: readonly Uint8Array[]): Promise<void>;
  /** Whole and durable under the key; `object-exists` when there is one. */
  publish(key: string): Promise<void>;
  /** Null where nothing lasts before it is whole. */
  readonly growing: { makeDurable(key: string): Promise<void> } | null;
  /** What was appended, for a store in which nothing lasts before it is whole. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** In the store itself, where it has objects that grow; else in a file of this machine that has no name. */
export async function openSink(store: ObjectStore, spoolFolder: string): Promise<SegmentSink> {
  const object = (await store.beginAppend?.()) ?? null;
  return object === null ? new SpooledSink(store, spoolFolder) : new GrowingSink(object);
}

class GrowingSink implements SegmentSink {
  readonly growing = { makeDurable: (key: string) => this.#makeDurable(key) };
  readonly #object: AppendableObject;
  #key: string | null = null;

  constructor(object: AppendableObject) {
    this.#object = object;
  }

  get sizeBytes(): number {
    return this.#object.sizeBytes;
  }

  append(chunks: readonly Uint8Array[]): Promise<void> {
    return this.#object.append(chunks);
  }

  publish(key: string): Promise<void> {
    return this.#object.publish(key);
  }

  async #makeDurable(key: string): Promise<void> {
    if (this.#key !== null) return this.#object.sync();
    await this.#object.publish(key);
    this.#key = key;
  }

  async read(): Promise<never> {
    throw new Error("what grows in the store is read there");
  }

  close(): Promise<void> {
    return this.#object.close();
  }
}

/**
 * Boxes wait in a file until the segment is whole and can be put, so that a put that fails can be repeated and no segment
 * is held in memory. They are sealed already.
 */
class SpooledSink implements SegmentSink {
  readonly growing = null;
  readonly #store: ObjectStore;
  readonly #folder: string;
  #file: FileHandle | null = null;
  #sizeBytes = 0;

  constructor(store: ObjectStore, folder: string) {
    this.#store = store;
    this.#folder = folder;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    try {
      this.#file ??= await openNameless(this.#folder);
      for (const chunk of chunks) {
        // A write may take a part only (a nearly full disk): the rest is written again, until the system says why.
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await this.#file.write(chunk, done, chunk.length - done, this.#sizeBytes + done);
          done += bytesWritten;
        }
        this.#sizeBytes += chunk.length;
      }
    } catch (cause) {
      throw new AppError(systemErrorCode(cause) === "ENOSPC" ? "disk-full" : "internal", {
        message: `WAL in the making cannot be kept in ${this.#folder}: ${String(cause)}`,
        hint: "free space there, or set another folder for temporary files",
        cause,
      });
    }
  }

  async publish(key: string): Promise<void> {
    await this.#store.put(key, { [Symbol.asyncIterator]: () => this.#readAll() });
  }

  async *#readAll(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#sizeBytes; ) {
      const bytes = await this.read(at, Math.min(1 << 20, this.#sizeBytes - at));
      at += bytes.length;
      yield bytes;
    }
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    for (let done = 0; done < length; ) {
      const part = await this.#file?.read(bytes, done, length - done, offset + done);
      if (part === undefined || part.bytesRead === 0) throw new Error("the spooled WAL ended early");
      done += part.bytesRead;
    }
    return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `tidemark-wal-${randomBytes(8).toString("hex")}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
