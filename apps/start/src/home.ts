import { chmod, mkdir, open, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, formatBytes, systemErrorCode } from "@tidemark/kit";

/** The folders of one home. */
export interface HomePaths {
  readonly root: string;
  readonly keys: string;
  readonly logs: string;
  /** Data directory of the embedded PostgreSQL (metadata and queue). */
  readonly database: string;
  readonly demo: string;
  readonly repository: string;
  readonly scratch: string;
  readonly postgresCache: string;
  /** The local administrator's API token, mode 0600; the command finds it here. */
  readonly adminToken: string;
  /** The address of the running product; the command finds it here. */
  readonly address: string;
}

export function homePaths(root: string): HomePaths {
  return {
    root,
    keys: join(root, "keys"),
    logs: join(root, "logs"),
    database: join(root, "database"),
    demo: join(root, "demo"),
    repository: join(root, "repository"),
    scratch: join(root, "scratch"),
    postgresCache: join(root, "cache", "postgres"),
    adminToken: join(root, "admin-token"),
    address: join(root, "url"),
  };
}

/**
 * Makes the home (0700) and its folders, and tries a write in it.
 *
 * @throws AppError `home-not-writable`, or `disk-full` when there is no room to start at all.
 */
export async function prepareHome(root: string): Promise<HomePaths> {
  const paths = homePaths(root);
  try {
    await makeFolder(root);
    await chmod(root, 0o700);
    for (const folder of [paths.keys, paths.logs, paths.demo, paths.scratch]) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
    }
    await tryWrite(join(root, `.write-test-${process.pid}`));
  } catch (error) {
    throw explain(root, error);
  }
  await checkRoom(root);
  return paths;
}

/**
 * Makes a folder and those above it. Not with Node's `recursive`: that asks for ever where the system answers "no such
 * file" although the parent is there (/proc, some network mounts).
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT" || dirname(path) === path || (await exists(dirname(path)))) throw error;
    await makeFolder(dirname(path));
    await mkdir(path, { mode: 0o700 });
  }
}

async function tryWrite(path: string): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.write(Buffer.alloc(8192, 1));
    await file.sync();
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

async function checkRoom(root: string): Promise<void> {
  const space = await statfs(root);
  const freeBytes = space.bavail * space.bsize;
  if (freeBytes >= leastFreeBytes) return;
  throw new AppError("disk-full", {
    message: `${root} has ${formatBytes(freeBytes)} free, and Tidemark needs ${formatBytes(leastFreeBytes)} to start`,
    hint: "free some space, or choose a folder on another disk with TIDEMARK_HOME; nothing was changed",
  });
}

function explain(root: string, error: unknown): unknown {
  const code = systemErrorCode(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError("disk-full", {
      message: `there is no space left to write into ${root}`,
      hint: "free some space, or choose a folder on another disk with TIDEMARK_HOME",
      cause: error,
    });
  }
  if (code === undefined) return error;
  return new AppError("home-not-writable", {
    message: `${root} cannot be made or written (${code})`,
    hint: "give it to the user who runs Tidemark, or choose another folder with TIDEMARK_HOME",
    cause: error,
  });
}

/** True when `path` exists, whatever it is. */
export async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

/** A metadata database with its WAL and one small backup; below it PostgreSQL would stop in the middle of the start. */
const leastFreeBytes = 256 * 1024 * 1024;
