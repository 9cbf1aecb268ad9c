import { type FileHandle, open } from "node:fs/promises";
import { wrapTargetError } from "./restore-target.ts";

/** Writes at offsets of many files with a bounded number of them open; safe to be used by several writers at once. */
export class TargetFiles {
  readonly #open = new Map<string, OpenTarget>();
  readonly #limit: number;

  constructor(limit = openFilesLimit) {
    this.#limit = limit;
  }

  /** The file must exist; its size is not changed. */
  async write(path: Buffer, bytes: Uint8Array, position: number): Promise<void> {
    const target = this.#acquire(path);
    try {
      const handle = await target.handle;
      for (let done = 0; done < bytes.length; ) {
        const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
        done += bytesWritten;
      }
    } catch (error) {
      throw wrapTargetError(error, path.toString("utf8"));
    } finally {
      target.users--;
      await this.#evict();
    }
  }

  async close(): Promise<void> {
    const targets = [...this.#open.values()];
    this.#open.clear();
    const results = await Promise.allSettled(targets.map(async (target) => (await target.handle).close()));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }

  #acquire(path: Buffer): OpenTarget {
    const key = path.toString("latin1");
    const known = this.#open.get(key);
    const target = known ?? { handle: open(path, "r+"), users: 0 };
    // One that could not be opened is forgotten, so that nobody waits for it again; the writer throws the error itself.
    if (known === undefined) target.handle.catch(() => this.#open.delete(key));
    // Taken out and put back: the map's order is then that of last use.
    this.#open.delete(key);
    this.#open.set(key, target);
    target.users++;
    return target;
  }

  async #evict(): Promise<void> {
    if (this.#open.size <= this.#limit) return;
    for (const [key, target] of this.#open) {
      if (target.users > 0) continue;
      this.#open.delete(key);
      await (await target.handle).close();
      return;
    }
  }
}

interface OpenTarget {
  readonly handle: Promise<FileHandle>;
  users: number;
}

const openFilesLimit = 64;
