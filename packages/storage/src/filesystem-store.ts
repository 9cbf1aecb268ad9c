import type { Dirent } from "node:fs";
import { type FileHandle, open, readdir, stat, statfs } from "node:fs/promises";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { AppError, type Clock, makeFolders, systemClock } from "@tidemark/kit";
import { AppendFile } from "./filesystem-append.ts";
import { filesystemError, isErrno } from "./filesystem-errors.ts";
import { removeStaleTemporaries, temporaryFolder } from "./filesystem-temporaries.ts";
import {
  type FilesystemWriteStep,
  refusesSecondLink,
  removeEmptyFolders,
  syncFile,
  syncFolder,
  unlinkIfThere,
  writeWhole,
} from "./filesystem-write.ts";
import { objectExists, objectMissing, rangePastEnd, throwIfCancelled } from "./object-errors.ts";
import { assertObjectKey, assertPrefix, isKeyPart } from "./object-key.ts";
import {
  type AppendableObject,
  type AppendOptions,
  type GetOptions,
  type ListOptions,
  type ObjectBody,
  type ObjectFacts,
  type ObjectStore,
  type PutOptions,
  plainCapabilities,
  type StoreCapabilities,
} from "./object-store.ts";

export interface FilesystemStoreOptions {
  readonly clock?: Clock;
  /** Called after each durable step of a write; for tests that kill the process there. */
  readonly onStep?: (step: FilesystemWriteStep) => void | Promise<void>;
}

/**
 * Objects as files below a folder. The folder is made by the first `put`; after it was seen once, its disappearance (an
 * unmounted disk) is `storage-unreachable`, and another folder in its place is refused instead of being filled.
 */
export class FilesystemStore implements ObjectStore {
  readonly location: string;
  readonly #root: string;
  readonly #options: FilesystemStoreOptions;
  #rootIdentity: string | null = null;
  #exclusive: Promise<boolean> | null = null;

  constructor(root: string, options: FilesystemStoreOptions = {}) {
    if (!isAbsolute(root)) {
      throw new AppError("bad-request", { message: `${root} is not an absolute path`, context: { path: root } });
    }
    this.#root = resolve(root);
    this.#options = options;
    this.location = pathToFileURL(this.#root).href;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<{ readonly sizeBytes: number }> {
    assertObjectKey(key);
    const path = this.#path(key);
    try {
      await this.#makeRoot();
      if ((await this.stat(key)) !== null) throw objectExists(this.location, key);
      const context = { root: this.#root, signal: options.signal, onStep: this.#options.onStep };
      return { sizeBytes: await writeWhole(context, path, body) };
    } catch (error) {
      if (isErrno(error, "EEXIST")) throw objectExists(this.location, key, error);
      throw filesystemError(error, "write", path);
    }
  }

  async get(key: string, options: GetOptions = {}): Promise<Uint8Array> {
    throwIfCancelled(options.signal);
    return this.#withFile(key, async (handle) => {
      const { size } = await handle.stat();
      const { offset, length } = options.range ?? { offset: 0, length: size };
      if (offset + length > size) throw rangePastEnd(this.location, key, offset + length, size);
      const bytes = Buffer.allocUnsafeSlow(length);
      const read = await readFully(handle, bytes, offset);
      if (read < length) throw rangePastEnd(this.location, key, offset + length, offset + read);
      return new Uint8Array(bytes.buffer, bytes.byteOffset, length);
    });
  }

  async *read(key: string, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<Uint8Array> {
    const handle = await this.#open(key);
    try {
      for (let at = 0; ; ) {
        throwIfCancelled(options.signal);
        const bytes = Buffer.allocUnsafeSlow(1 << 20);
        const { bytesRead } = await handle.read(bytes, 0, bytes.length, at);
        if (bytesRead === 0) return;
        at += bytesRead;
        yield new Uint8Array(bytes.buffer, bytes.byteOffset, bytesRead);
      }
    } catch (error) {
      throw filesystemError(error, "read", this.#path(key));
    } finally {
      await handle.close();
    }
  }

  fileOf(key: string): string {
    assertObjectKey(key);
    return this.#path(key);
  }

  async stat(key: string): Promise<ObjectFacts | null> {
    assertObjectKey(key);
    const path = this.#path(key);
    try {
      const found = await stat(path);
      return found.isFile() ? { key, sizeBytes: found.size, modifiedAt: found.mtime } : null;
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw filesystemError(error, "look at", path);
      await this.#assertRoot();
      return null;
    }
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncGenerator<ObjectFacts> {
    assertPrefix(prefix);
    const { after = "" } = options;
    const isBehind = (entry: Dirent): boolean => {
      const key = `${prefix}${entry.name}`;
      return entry.isDirectory() ? `${key}/` > after || after.startsWith(`${key}/`) : key > after;
    };
    const entries = (await this.#entries(prefix)).filter(isBehind);
    for (let at = 0; at < entries.length; at += statsTogether) {
      throwIfCancelled(options.signal);
      const some = entries.slice(at, at + statsTogether);
      // Null: a folder, no plain file, or deleted since the folder was read.
      const facts = await Promise.all(
        some.map((entry) => (entry.isDirectory() ? null : this.stat(`${prefix}${entry.name}`))),
      );
      for (const [index, entry] of some.entries()) {
        const found = facts[index] ?? null;
        if (found !== null) yield found;
        else if (entry.isDirectory()) yield* this.list(`${prefix}${entry.name}/`, options);
      }
    }
  }

  async listPrefixes(prefix: string): Promise<readonly string[]> {
    assertPrefix(prefix);
    const entries = await this.#entries(prefix);
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  }

  async delete(key: string): Promise<void> {
    assertObjectKey(key);
    const path = this.#path(key);
    try {
      await this.#assertRoot();
      await unlinkIfThere(path);
      await syncFolder(dirname(path));
      await removeEmptyFolders(this.#root, dirname(path));
    } catch (error) {
      if (isErrno(error, "ENOTDIR")) return;
      throw filesystemError(error, "delete", path);
    }
  }

  async beginAppend(options: AppendOptions = {}): Promise<AppendableObject> {
    try {
      await this.#makeRoot();
      return await AppendFile.begin({
        root: this.#root,
        location: this.location,
        pathOf: (key) => this.fileOf(key),
        onStep: this.#options.onStep,
        reserveBytes: options.reserveBytes ?? 0,
        syncsEach: options.syncsEach ?? false,
        signal: options.signal,
      });
    } catch (error) {
      throw filesystemError(error, "begin a file in", this.#root);
    }
  }

  async settle(key: string): Promise<void> {
    const path = this.fileOf(key);
    try {
      await syncFile(path);
      // Whoever made a folder may have died before its name lasted.
      for (let at = dirname(path); at.length >= this.#root.length; at = dirname(at)) await syncFolder(at);
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw filesystemError(error, "sync", path);
    }
  }

  async isEmpty(): Promise<boolean> {
    try {
      return !(await this.#holdsFiles(this.#root));
    } catch (error) {
      if (isErrno(error, "ENOENT") && this.#rootIdentity === null) return true;
      throw filesystemError(error, "look into", this.#root);
    }
  }

  /** Also removes the temporary files that dead processes left. */
  async probe(): Promise<StoreCapabilities> {
    try {
      await this.#makeRoot();
      await removeStaleTemporaries(this.#root, (this.#options.clock ?? systemClock).now());
      const exclusiveCreate = await refusesSecondLink(this.#root);
      await removeEmptyFolders(this.#root, join(this.#root, temporaryFolder));
      return { exclusiveCreate, writable: true, ...plainCapabilities };
    } catch (error) {
      const wrapped = filesystemError(error, "write to", this.#root);
      if (wrapped instanceof AppError && wrapped.code === "repository-read-only")
        return { exclusiveCreate: true, writable: false, ...plainCapabilities };
      throw wrapped;
    }
  }

  createsExclusively(): Promise<boolean> {
    this.#exclusive ??= this.#makeRoot()
      .then(() => refusesSecondLink(this.#root))
      .catch((error: unknown) => {
        this.#exclusive = null;
        throw filesystemError(error, "write to", this.#root);
      });
    return this.#exclusive;
  }

  async space(): Promise<{ readonly freeBytes: bigint; readonly totalBytes: bigint }> {
    try {
      const found = await statfs(this.#root, { bigint: true });
      return { freeBytes: found.bavail * found.bsize, totalBytes: found.blocks * found.bsize };
    } catch (error) {
      throw filesystemError(error, "ask for the space of", this.#root);
    }
  }

  #path(key: string): string {
    return join(this.#root, ...key.split("/"));
  }

  async #open(key: string): Promise<FileHandle> {
    assertObjectKey(key);
    const path = this.#path(key);
    try {
      return await open(path, "r");
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR", "EISDIR")) throw filesystemError(error, "open", path);
      await this.#assertRoot();
      throw objectMissing(this.location, key, error);
    }
  }

  async #withFile<T>(key: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
    const handle = await this.#open(key);
    try {
      return await use(handle);
    } catch (error) {
      if (isErrno(error, "EISDIR")) throw objectMissing(this.location, key, error);
      throw filesystemError(error, "read", this.#path(key));
    } finally {
      await handle.close();
    }
  }

  /** What lies directly below a prefix and may be ours, in key order: a folder sorts as its name with the `/`. */
  async #entries(prefix: string): Promise<Dirent[]> {
    const folder = prefix === "" ? this.#root : this.#path(prefix.slice(0, -1));
    let entries: Dirent[];
    try {
      entries = await readdir(folder, { withFileTypes: true });
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw filesystemError(error, "list", folder);
      await this.#assertRoot();
      return [];
    }
    const sortName = (entry: Dirent): string => (entry.isDirectory() ? `${entry.name}/` : entry.name);
    return entries
      .filter((entry) => isKeyPart(entry.name))
      .sort((a, b) => (sortName(a) < sortName(b) ? -1 : sortName(a) > sortName(b) ? 1 : 0));
  }

  async #holdsFiles(folder: string): Promise<boolean> {
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (folder === this.#root && (entry.name === "lost+found" || entry.name === temporaryFolder)) continue;
      if (!entry.isDirectory() || (await this.#holdsFiles(join(folder, entry.name)))) return true;
    }
    return false;
  }

  /** "Not there" may only be said while the folder itself is there and still the same one. */
  async #assertRoot(): Promise<void> {
    try {
      const found = await stat(this.#root);
      const identity = `${found.dev}:${found.ino}`;
      this.#rootIdentity ??= identity;
      if (identity === this.#rootIdentity) return;
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw filesystemError(error, "look at", this.#root);
    }
    throw new AppError("storage-unreachable", {
      message: `${this.#root} is not there${this.#rootIdentity === null ? "" : " any more, or is another folder now"}`,
      hint: "check that the disk is mounted",
      context: { path: this.#root },
    });
  }

  async #makeRoot(): Promise<void> {
    if (this.#rootIdentity === null) {
      const first = await makeFolders(this.#root, 0o750).catch((error: unknown) => {
        throw isErrno(error, "ENOENT") ? noFoldersThere(this.#root, error) : error;
      });
      if (first !== undefined) await syncFolder(dirname(first));
    }
    await this.#assertRoot();
  }
}

/** "No such file or directory" although the one above is there: procfs, an automounter's root, some network mounts. */
function noFoldersThere(path: string, cause: unknown): AppError {
  return new AppError("storage-denied", {
    message: `${path} cannot be made: the file system there takes no new folders`,
    hint: "choose a folder on a disk or a mounted share",
    context: { path },
    cause,
  });
}

/** As many as keep the system's threads busy. */
const statsTogether = 64;

async function readFully(handle: FileHandle, into: Uint8Array, offset: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const { bytesRead } = await handle.read(into, done, into.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
