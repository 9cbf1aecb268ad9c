import { type FileHandle, link, open, rename, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { joinCleanup, makeFolders } from "@tidemark/kit";
import { isErrno } from "./filesystem-errors.ts";
import { newTemporaryName, openTemporary, whileFoldersGo } from "./filesystem-temporaries.ts";
import { bodyChunks } from "./object-body.ts";
import { throwIfCancelled } from "./object-errors.ts";
import type { ObjectBody } from "./object-store.ts";

/** The durable steps of a write in order; a process may die between any two of them. */
export const filesystemWriteSteps = [
  "put:temporary-written",
  "put:synced",
  "put:linked",
  "put:unlinked",
  "put:folder-synced",
] as const;

export type FilesystemWriteStep = (typeof filesystemWriteSteps)[number];

export interface WriteContext {
  readonly root: string;
  readonly signal: AbortSignal | undefined;
  readonly onStep: ((step: FilesystemWriteStep) => void | Promise<void>) | undefined;
}

/** Modes of what we make: the owner writes, the group may read (a restore by another user of the group). */
const folderMode = 0o750;
export const fileMode = 0o640;

/**
 * Makes `path` appear with all bytes of `body`, or not at all: temporary file, fsync, link to the final name (which
 * refuses an existing one), unlink, fsync of the folder. Throws the system's own errors; `EEXIST` means the key exists.
 */
export async function writeWhole(context: WriteContext, path: string, body: ObjectBody): Promise<number> {
  const { path: temporary, handle } = await openTemporary(context.root, "wx", fileMode);
  try {
    const sizeBytes = await fill(handle, body, context);
    await publish(context, temporary, path);
    return sizeBytes;
  } catch (error) {
    throw await joinCleanup(error, () => unlinkIfThere(temporary));
  }
}

async function fill(handle: FileHandle, body: ObjectBody, context: WriteContext): Promise<number> {
  try {
    const sizeBytes = await writeChunks(handle, body, context.signal);
    await context.onStep?.("put:temporary-written");
    throwIfCancelled(context.signal);
    await handle.sync();
    await context.onStep?.("put:synced");
    return sizeBytes;
  } finally {
    await handle.close();
  }
}

/** Small chunks are gathered: one system call per 4 MiB, and one turn of a thread and back. */
async function writeChunks(handle: FileHandle, body: ObjectBody, signal: AbortSignal | undefined): Promise<number> {
  let sizeBytes = 0;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  const flush = async (): Promise<void> => {
    const rest = gathered;
    gathered = [];
    gatheredBytes = 0;
    await writeAll(handle, rest, null);
  };
  for await (const chunk of bodyChunks(body)) {
    throwIfCancelled(signal);
    if (chunk.length === 0) continue;
    gathered.push(chunk);
    gatheredBytes += chunk.length;
    sizeBytes += chunk.length;
    // 1024 is IOV_MAX on Linux.
    if (gatheredBytes >= 4 << 20 || gathered.length === 1024) await flush();
  }
  await flush();
  return sizeBytes;
}

/** At most IOV_MAX chunks, at a position or, null, at the file's own. */
export async function writeAll(handle: FileHandle, chunks: readonly Uint8Array[], at: number | null): Promise<void> {
  let rest: Uint8Array[] = chunks.filter(({ length }) => length > 0);
  for (let position = at; rest.length > 0; ) {
    const { bytesWritten } = await handle.writev(rest, position ?? undefined);
    if (position !== null) position += bytesWritten;
    rest = dropBytes(rest, bytesWritten);
  }
}

/** writev may write less than it was given (a nearly full disk): what remains is written again, until it says why. */
function dropBytes(chunks: readonly Uint8Array[], written: number): Uint8Array[] {
  const rest: Uint8Array[] = [];
  let toDrop = written;
  for (const chunk of chunks) {
    const dropped = Math.min(toDrop, chunk.length);
    toDrop -= dropped;
    if (dropped < chunk.length) rest.push(chunk.subarray(dropped));
  }
  return rest;
}

async function publish(context: WriteContext, temporary: string, path: string): Promise<void> {
  await linkInto(temporary, path);
  await context.onStep?.("put:linked");
  await unlinkIfThere(temporary);
  await context.onStep?.("put:unlinked");
  await syncFolder(dirname(path));
  await context.onStep?.("put:folder-synced");
}

export async function linkInto(temporary: string, path: string): Promise<void> {
  await whileFoldersGo(async () => {
    await makeDurableFolders(dirname(path));
    await linkOrRename(temporary, path);
  });
}

/** File systems without hard links (exFAT, some network shares) refuse `link`; there `probe` says that exclusive create is missing. */
async function linkOrRename(temporary: string, path: string): Promise<void> {
  try {
    return await link(temporary, path);
  } catch (error) {
    if (!isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS")) throw error;
  }
  if (await exists(path)) throw Object.assign(new Error(`${path} exists`), { code: "EEXIST" });
  await rename(temporary, path);
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return false;
    throw error;
  }
}

/** Whether the file system itself refuses a second file of one name, tried with two temporary names. */
export async function refusesSecondLink(root: string): Promise<boolean> {
  const { path: first, handle } = await openTemporary(root, "wx", fileMode);
  const second = join(dirname(first), await newTemporaryName());
  try {
    await handle.close();
    await link(first, second);
    await link(first, second);
    return false;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return true;
    if (isErrno(error, "EPERM", "ENOTSUP", "EOPNOTSUPP", "EMLINK", "ENOSYS")) return false;
    throw error;
  } finally {
    await unlinkIfThere(first);
    await unlinkIfThere(second);
  }
}

/** Makes a folder and those above it; the name of each new one is made durable in its parent. */
async function makeDurableFolders(folder: string): Promise<void> {
  const first = await makeFolders(folder, folderMode);
  if (first === undefined) return;
  for (let at = folder; at.length >= first.length; at = dirname(at)) await syncFolder(dirname(at));
}

/** Removes the empty folders from `folder` upwards, never `root` itself. */
export async function removeEmptyFolders(root: string, folder: string): Promise<void> {
  for (let at = folder; at.length > root.length && at.startsWith(root); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch (error) {
      if (isErrno(error, "ENOTEMPTY", "EEXIST", "ENOENT", "EBUSY", "EACCES", "EPERM")) return;
      throw error;
    }
  }
}

/** Somebody else's file: its bytes as they are now. */
export async function syncFile(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.datasync();
  } finally {
    await handle.close();
  }
}

export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, "r");
  } catch (error) {
    // A concurrent delete removed the emptied folder: nothing of ours is left in it to be made durable.
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems cannot sync a folder; they make names durable themselves.
    if (!isErrno(error, "EINVAL", "ENOTSUP", "EISDIR")) throw error;
  } finally {
    await handle.close();
  }
}

export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
