import { constants, type Dirent } from "node:fs";
import { access, open, readdir, readFile, rm, stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, systemErrorCode } from "@tidemark/kit";

/**
 * A folder that holds this file is an unfinished restore: it was made first and is removed last. PostgreSQL cannot
 * start on such a folder (`global/pg_control` comes last), and a new restore may clear it and begin again.
 */
export const restoringMark = ".tidemark-restoring";

/** What is where a restore shall go. */
export type TargetState =
  | { readonly kind: "absent" | "empty" }
  /** Only what an earlier restore of ours left unfinished. */
  | { readonly kind: "unfinished"; readonly backupId: string | null }
  | { readonly kind: "occupied"; readonly entries: readonly string[] }
  | { readonly kind: "not-a-directory" };

export async function inspectTarget(path: string): Promise<TargetState> {
  let entries: string[];
  try {
    entries = await readdir(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT") return { kind: "absent" };
    if (code === "ENOTDIR") return { kind: "not-a-directory" };
    throw wrapTargetError(error, path);
  }
  if (entries.length === 0) return { kind: "empty" };
  if (entries.includes(restoringMark)) return { kind: "unfinished", backupId: await markedBackup(path) };
  return { kind: "occupied", entries };
}

async function markedBackup(path: string): Promise<string | null> {
  const text = await readFile(join(path, restoringMark), "utf8");
  return /"backupId": *"([^"]+)"/.exec(text)?.[1] ?? null;
}

/** Removes what an unfinished restore left, all but its mark, so that dying meanwhile changes nothing. */
export async function clearUnfinished(path: string): Promise<void> {
  const entries: Dirent[] = await readdir(path, { withFileTypes: true });
  if (!entries.some((entry) => entry.name === restoringMark)) {
    throw new AppError("target-not-empty", {
      message: `${path} is not an unfinished restore`,
      hint: "nothing was removed",
    });
  }
  // pg_control first: without it no server starts on what is left.
  await rm(join(path, "global", "pg_control"), { force: true });
  for (const name of await readdir(path, { encoding: "buffer" })) {
    if (name.toString("latin1") !== restoringMark)
      await rm(Buffer.concat([Buffer.from(`${path}/`), name]), { recursive: true, force: true });
  }
}

/** The path itself, or the nearest folder above it that exists. */
export async function nearestExisting(path: string): Promise<string> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      await stat(folder);
      return folder;
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT" || folder === dirname(folder)) throw wrapTargetError(error, folder);
    }
  }
}

/** Whether this process may create files at (or on the way to) the path. */
export async function isWritable(path: string): Promise<boolean> {
  try {
    await access(await nearestExisting(path), constants.W_OK | constants.X_OK);
    return true;
  } catch {
    // Whatever the reason: files cannot be made there, which is the whole question.
    return false;
  }
}

export interface Volume {
  /** The same for all paths on one file system. */
  readonly deviceId: number;
  readonly freeBytes: bigint;
}

/** The file system a path is (or would be) on. */
export async function volumeOf(path: string): Promise<Volume> {
  const folder = await nearestExisting(path);
  const [{ dev }, { bavail, bsize }] = await Promise.all([stat(folder), statfs(folder, { bigint: true })]);
  return { deviceId: dev, freeBytes: bavail * bsize };
}

/** Makes a folder's entries durable. */
export async function syncDirectory(path: string | Buffer): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** A system error of the target's file system as one of ours. */
export function wrapTargetError(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (error instanceof AppError || code === undefined) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AppError("target-full", {
      message: `there is no space left for ${path}`,
      hint: "free some space there and run the restore again: it clears what it left and begins anew",
      context: { path },
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new AppError("target-not-writable", {
      message: `${path} cannot be written: ${reason}`,
      context: { path },
      cause: error,
    });
  }
  return error;
}
