import { randomBytes } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { releaseBytes } from "../bytes/release-bytes.ts";

/** Sealed chunks stay in memory up to this; a manifest of some 400 000 extents. */
const memoryBytes = 8 * 1024 * 1024;

/**
 * Holds the sealed chunks of a manifest until it is written: in memory first, then in a file that has no name any more,
 * so that nothing is left of it whatever happens to the process.
 */
export class ManifestSpool {
  readonly #folder: string;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #file: FileHandle | null = null;
  #fileBytes = 0;

  constructor(folder: string) {
    this.#folder = folder;
  }

  add(chunk: Uint8Array): void {
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /** Moves chunks to the file when there are too many; cheap when there are not. Not to be called concurrently. */
  async settle(): Promise<void> {
    if (this.#pendingBytes <= memoryBytes) return;
    const chunks = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    try {
      this.#file ??= await openNameless(this.#folder);
      for (const chunk of chunks) {
        // A write may take a part only (a nearly full disk): the rest is written again, until the system says why.
        for (let done = 0; done < chunk.length; ) {
          const { bytesWritten } = await this.#file.write(chunk, done, chunk.length - done, this.#fileBytes + done);
          done += bytesWritten;
        }
        this.#fileBytes += chunk.length;
        releaseBytes(chunk);
      }
    } catch (cause) {
      throw new AppError(systemErrorCode(cause) === "ENOSPC" ? "disk-full" : "internal", {
        message: `the manifest in the making cannot be kept in ${this.#folder}: ${String(cause)}`,
        hint: "free space there, or set another folder for temporary files",
        cause,
      });
    }
  }

  /** Everything added, in order; can be read any number of times. */
  async *read(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < this.#fileBytes; ) {
      const bytes = Buffer.allocUnsafeSlow(Math.min(1 << 20, this.#fileBytes - at));
      const { bytesRead } = (await this.#file?.read(bytes, 0, bytes.length, at)) ?? { bytesRead: 0 };
      if (bytesRead === 0) throw new Error("the spooled manifest ended early");
      at += bytesRead;
      yield new Uint8Array(bytes.buffer, bytes.byteOffset, bytesRead);
    }
    yield* this.#pending;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `tidemark-manifest-${randomBytes(8).toString("hex")}`);
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}
