import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, open, readdir, readFile, readlink, stat, unlink } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { makeFolders } from "@tidemark/kit";
import { isErrno } from "./filesystem-errors.ts";

/** Where unfinished writes live. `~` is not allowed in keys, so no object can be there. */
export const temporaryFolder = "~tmp";

/** A temporary file of an unknown or another machine is taken for dead after this long without a write. */
const foreignStaleMs = 24 * 60 * 60 * 1000;

/**
 * A temporary file's name tells who writes it: `<machine>.<pid>.<start>.<random>`. The machine part also covers boot and
 * pid namespace, so that "no such process" is only concluded where process ids mean the same.
 */
export async function newTemporaryName(): Promise<string> {
  const { machine, start } = await ownIdentity();
  return `${machine}.${process.pid}.${start}.${randomBytes(8).toString("hex")}`;
}

/** A new file of ours for what is not yet an object. */
export async function openTemporary(
  root: string,
  flags: string | number,
  mode: number,
): Promise<{ readonly path: string; readonly handle: FileHandle }> {
  const path = join(root, temporaryFolder, await newTemporaryName());
  const handle = await whileFoldersGo(async () => {
    await makeFolders(join(root, temporaryFolder));
    return await open(path, flags, mode);
  });
  return { path, handle };
}

/**
 * Does what needs a folder that somebody may remove while it is empty: a delete, or a probe, between the making of one and its
 * use. So often in a row nobody is overtaken: a place that answers ENOENT for ever cannot be written to.
 */
export async function whileFoldersGo<T>(act: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await act();
    } catch (error) {
      if (!isErrno(error, "ENOENT") || attempt === mostAttempts) throw error;
    }
  }
}

const mostAttempts = 100;

/** Removes what writers that are certainly dead have left; gives the number removed. */
export async function removeStaleTemporaries(root: string, now: Date): Promise<number> {
  const folder = join(root, temporaryFolder);
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
  let removed = 0;
  for (const name of names) {
    if (!(await isStale(join(folder, name), name, now))) continue;
    try {
      await unlink(join(folder, name));
      removed++;
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
    }
  }
  return removed;
}

async function isStale(path: string, name: string, now: Date): Promise<boolean> {
  const { machine } = await ownIdentity();
  const [writerMachine, pid, start] = name.split(".");
  if (writerMachine === machine && pid !== undefined && start !== undefined)
    return !(await isAlive(Number(pid), start));
  try {
    return now.getTime() - (await stat(path)).mtimeMs > foreignStaleMs;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

async function isAlive(pid: number, start: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return !isErrno(error, "ESRCH");
  }
  const current = await startOf(pid);
  return current === "0" || start === "0" || current === start;
}

let identity: Promise<{ readonly machine: string; readonly start: string }> | undefined;

function ownIdentity(): Promise<{ readonly machine: string; readonly start: string }> {
  identity ??= readIdentity();
  return identity;
}

async function readIdentity(): Promise<{ readonly machine: string; readonly start: string }> {
  const boot = await readOr("", () => readFile("/proc/sys/kernel/random/boot_id", "utf8"));
  const namespace = await readOr("", () => readlink("/proc/self/ns/pid"));
  const machine = createHash("sha256").update(`${hostname()}\n${boot}\n${namespace}`).digest("hex").slice(0, 12);
  return { machine, start: await startOf(process.pid) };
}

/** When a process started, in clock ticks since boot (field 22 of /proc/<pid>/stat, proc(5)); "0" where that is not known. */
async function startOf(pid: number): Promise<string> {
  const line = await readOr("", () => readFile(`/proc/${pid}/stat`, "utf8"));
  // The command in parentheses may contain blanks; fields are counted from behind it.
  return line.slice(line.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
}

/** Systems without /proc have no such facts, which is no failure. */
async function readOr(otherwise: string, read: () => Promise<string>): Promise<string> {
  try {
    return await read();
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES", "ESRCH", "EPERM")) return otherwise;
    throw error;
  }
}
