import { execFile } from "node:child_process";
import { rm, statfs, writeFile } from "node:fs/promises";
import { promisify } from "node:util";

/** A disk that can be filled up and freed. */
export interface FullDisk extends AsyncDisposable {
  readonly what: string;
  fill(): Promise<void>;
  free(): Promise<void>;
}

export interface FullDiskOptions {
  readonly sizeMb: number;
  /** What a full one still has room for. */
  readonly freeBytes: number;
  /** The processes that write there, for where nothing can be mounted. */
  readonly pids: () => readonly number[];
}

/**
 * A file system of its own (tmpfs) at `path`, an empty folder. Where this process may not mount, a limit on the size of
 * files stands in: what the processes write beyond it fails with EFBIG.
 */
export async function fullDisk(path: string, options: FullDiskOptions): Promise<FullDisk> {
  return (await mountedDisk(path, options)) ?? limitedFiles(options);
}

const run = promisify(execFile);

async function mountedDisk(path: string, { sizeMb, freeBytes }: FullDiskOptions): Promise<FullDisk | null> {
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${sizeMb}m,mode=0755`, "tmpfs", path]);
  } catch {
    return null;
  }
  const filler = `${path}/filler`;
  return {
    what: `a tmpfs of ${sizeMb} MiB`,
    async fill() {
      const { bavail, bsize } = await statfs(path);
      await writeFile(filler, Buffer.alloc(Math.max(0, bavail * bsize - freeBytes))).catch(unlessFull);
    },
    free: () => rm(filler, { force: true }),
    // Lazily: a worker may look into a repository that nobody needs any more.
    [Symbol.asyncDispose]: async () => void (await run("umount", ["--lazy", path])),
  };
}

/** Others write meanwhile: then it is full all the same. */
function unlessFull(error: NodeJS.ErrnoException): void {
  if (error.code !== "ENOSPC") throw error;
}

function limitedFiles({ freeBytes, pids }: FullDiskOptions): FullDisk {
  const limit = async (bytes: string): Promise<void> => {
    for (const pid of pids()) await run("prlimit", ["--pid", String(pid), `--fsize=${bytes}`]);
  };
  return {
    what: `a limit of ${freeBytes} bytes on the size of files (no mount is allowed here)`,
    fill: () => limit(`${freeBytes}:unlimited`),
    free: () => limit("unlimited:unlimited"),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
