import type { Stats } from "node:fs";
import { constants, type FileHandle, lstat, open, readdir } from "node:fs/promises";
import { AppError, systemErrorCode } from "@tidemark/kit";
import type { ReadableFile } from "@tidemark/repository";
import { type ClusterFiles, type ListedEntry, readablePath } from "./cluster-files.ts";

/** The files of a cluster whose data directory this process sees. */
export class LocalFiles implements ClusterFiles {
  readonly lanes: number;
  readonly notes: readonly string[] = [];
  readonly #root: string;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(dataDirectory: string, lanes: number) {
    this.#root = Buffer.from(`${dataDirectory}/`, "utf8").toString("latin1");
    this.lanes = lanes;
  }

  async list(path: string): Promise<readonly ListedEntry[] | null> {
    let names: Buffer[];
    try {
      names = await readdir(this.#place(path), { encoding: "buffer" });
    } catch (error) {
      return goneOrThrow(error, path);
    }
    const entries: ListedEntry[] = [];
    for (const bytes of names) {
      const name = bytes.toString("latin1");
      const entry = await this.#look(`${path === "" ? "" : `${path}/`}${name}`, name);
      if (entry !== null) entries.push(entry);
    }
    return entries;
  }

  async read(path: string, offset: number, lengthBytes: number): Promise<Uint8Array | null> {
    await this.#enter();
    try {
      return await readRange(this.#place(path), offset, lengthBytes);
    } catch (error) {
      return goneOrThrow(error, path);
    } finally {
      this.#running--;
      this.#waiting.shift()?.();
    }
  }

  async open(path: string): Promise<ReadableFile | null> {
    try {
      return new OpenedFile(await open(this.#place(path), readFlags), path);
    } catch (error) {
      return goneOrThrow(error, path);
    }
  }

  async close(): Promise<void> {
    return;
  }

  async #look(path: string, name: string): Promise<ListedEntry | null> {
    try {
      const stats = await lstat(this.#place(path));
      const { size: sizeBytes, mtime: modifiedAt } = stats;
      return { name, kind: kindOf(stats), sizeBytes, mode: stats.mode & 0o777, modifiedAt };
    } catch (error) {
      return goneOrThrow(error, path);
    }
  }

  async #enter(): Promise<void> {
    while (this.#running >= this.lanes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#running++;
  }

  #place(path: string): Buffer {
    return Buffer.from(`${this.#root}${path}`, "latin1");
  }
}

/** Never through a link that took the file's place meanwhile. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW;

class OpenedFile implements ReadableFile {
  readonly fd: number;
  readonly #handle: FileHandle;
  readonly #path: string;
  #uses = 1;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
    this.fd = handle.fd;
  }

  retain(): void {
    this.#uses++;
  }

  release(): void {
    // Nothing was written through it: closing loses nothing, whatever it says.
    if (--this.#uses === 0) void this.#handle.close().catch(() => undefined);
  }

  explain(error: unknown): unknown {
    return unreadable(error, this.#path);
  }
}

async function readRange(path: Buffer, offset: number, lengthBytes: number): Promise<Uint8Array> {
  const handle = await open(path, readFlags);
  try {
    const bytes = Buffer.allocUnsafeSlow(lengthBytes);
    let filled = 0;
    while (filled < lengthBytes) {
      const { bytesRead } = await handle.read(bytes, filled, lengthBytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return bytes.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

function kindOf(stats: Stats): ListedEntry["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  return stats.isSymbolicLink() ? "link" : "other";
}

function goneOrThrow(error: unknown, path: string): null {
  const code = systemErrorCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") return null;
  if (code !== "EACCES" && code !== "EPERM") throw unreadable(error, path);
  throw new AppError("cluster-missing", {
    message: `this process may not read ${path === "" ? "the data directory" : readablePath(path)}`,
    hint: "let the account Tidemark runs under read the data directory (data_directory_mode 0750 and its group), or read the files over SQL",
    cause: error,
  });
}

/** Of a system error: which file of the cluster the system would not give. */
function unreadable(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const name = path === "" ? "the data directory" : readablePath(path);
  return new AppError("server-error", {
    message: `${name} could not be read: ${error.message}`,
    hint: "PostgreSQL meets the same when it reads there: look at the disk and the kernel's log; earlier backups are untouched",
    context: { path: readablePath(path), systemCode: systemErrorCode(error) },
    cause: error,
  });
}
