import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError, joinCleanup } from "@tidemark/kit";
import { filesystemError, isErrno } from "./filesystem-errors.ts";
import { openTemporary } from "./filesystem-temporaries.ts";
import {
  type FilesystemWriteStep,
  fileMode,
  linkInto,
  removeEmptyFolders,
  syncFolder,
  unlinkIfThere,
  writeAll,
} from "./filesystem-write.ts";
import { objectExists, throwIfCancelled } from "./object-errors.ts";
import type { AppendableObject } from "./object-store.ts";

export interface AppendContext {
  readonly root: string;
  readonly location: string;
  readonly pathOf: (key: string) => string;
  readonly onStep: ((step: FilesystemWriteStep) => void | Promise<void>) | undefined;
  readonly reserveBytes: number;
  readonly syncsEach: boolean;
  readonly signal: AbortSignal | undefined;
}

/** A file that grows: a temporary one until it is published, then one with a name of its own. */
export class AppendFile implements AppendableObject {
  readonly #context: AppendContext;
  readonly #handle: FileHandle;
  /** Where it is now. */
  #path: string;
  #isPublished = false;
  #sizeBytes = 0;
  /** Up to here the file was written, with zeros behind what was appended. */
  #reservedBytes = 0;

  private constructor(context: AppendContext, handle: FileHandle, path: string) {
    this.#context = context;
    this.#handle = handle;
    this.#path = path;
  }

  static async begin(context: AppendContext): Promise<AppendFile> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_DSYNC } = constants;
    const flags = O_WRONLY | O_CREAT | O_EXCL | (context.syncsEach ? (O_DSYNC ?? 0) : 0);
    const { path, handle } = await openTemporary(context.root, flags, fileMode);
    return new AppendFile(context, handle, path);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async append(chunks: readonly Uint8Array[]): Promise<void> {
    throwIfCancelled(this.#context.signal);
    const lengthBytes = chunks.reduce((sum, { length }) => sum + length, 0);
    const endBytes = this.#sizeBytes + lengthBytes;
    const { reserveBytes } = this.#context;
    try {
      if (reserveBytes === 0 || endBytes <= this.#reservedBytes) {
        await writeAll(this.#handle, chunks, this.#sizeBytes);
      } else {
        await writeAll(this.#handle, [...chunks, new Uint8Array(reserveBytes)], this.#sizeBytes);
        this.#reservedBytes = endBytes + reserveBytes;
      }
      this.#sizeBytes = endBytes;
    } catch (error) {
      throw filesystemError(error, "append to", this.#path);
    }
  }

  async sync(): Promise<void> {
    // With O_DSYNC a write comes back as from fdatasync (open(2)); a system without the flag has it undefined.
    if (this.#context.syncsEach && constants.O_DSYNC !== undefined) return;
    try {
      // The size, where it changed, and where the bytes lie belong to what fdatasync makes durable (fdatasync(2)).
      await this.#handle.datasync();
    } catch (error) {
      throw filesystemError(error, "sync", this.#path);
    }
  }

  async publish(key: string): Promise<void> {
    const path = this.#context.pathOf(key);
    await this.#context.onStep?.("put:temporary-written");
    throwIfCancelled(this.#context.signal);
    await this.sync();
    await this.#context.onStep?.("put:synced");
    try {
      await linkInto(this.#path, path);
      await this.#context.onStep?.("put:linked");
      await this.#leave();
      this.#path = path;
      this.#isPublished = true;
      await this.#context.onStep?.("put:unlinked");
      await syncFolder(dirname(path));
      await this.#context.onStep?.("put:folder-synced");
    } catch (error) {
      if (isErrno(error, "EEXIST")) throw objectExists(this.#context.location, key, error);
      throw filesystemError(error, "write", path);
    }
  }

  /** The earlier name may come back after a crash, beside the new one: that is why a reader may find it under both. */
  async #leave(): Promise<void> {
    await unlinkIfThere(this.#path);
    if (this.#isPublished) await removeEmptyFolders(this.#context.root, dirname(this.#path));
  }

  async close(): Promise<void> {
    try {
      await this.#handle.close();
    } catch (error) {
      const wrapped = filesystemError(error, "close", this.#path);
      throw wrapped instanceof AppError ? await joinCleanup(wrapped, () => this.#discard()) : wrapped;
    }
    await this.#discard();
  }

  async #discard(): Promise<void> {
    if (!this.#isPublished) await unlinkIfThere(this.#path);
  }
}
