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
  /** Only what an earlier restore of ours left unfinished; `isMarked`: the mark is in this very folder. */
  | { readonly kind: "unfinished"; readonly isMarked: boolean }
  | { readonly kind: "occupied"; readonly entries: readonly string[] }
  | { readonly kind: "not-a-directory" };

/**
 * What is in each of a restore's folders: the data directory first, then the tablespaces. A tablespace loses its mark
 * before the data directory does; while the latter is marked, the folders its mark names are unfinished with it.
 */
export async function inspectTargets(folders: readonly string[]): Promise<readonly TargetState[]> {
  const states: TargetState[] = [];
  let together: readonly string[] = [];
  for (const [index, folder] of folders.entries()) {
    const state = await inspectTarget(folder);
    if (index === 0 && state.kind === "unfinished") together = await markedFolders(folder);
    const belongs = state.kind === "occupied" && together.includes(folder);
    states.push(belongs ? { kind: "unfinished", isMarked: false } : state);
  }
  return states;
}

async function inspectTarget(path: string): Promise<TargetState> {
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
  if (entries.includes(restoringMark)) return { kind: "unfinished", isMarked: true };
  return { kind: "occupied", entries };
}

/** Marks a folder; `folders` are all those of the restore. Durable when it returns. */
export async function writeMark(
  folder: string,
  backupId: string,
  folders: readonly string[],
  startedAt: Date,
): Promise<void> {
  const text = JSON.stringify({ note: "an unfinished restore of Tidemark", backupId, folders, startedAt }, null, 1);
  const handle = await open(join(folder, restoringMark), "wx", 0o600);
  try {
    await handle.writeFile(`${text}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await syncDirectory(folder);
}

export async function removeMark(folder: string): Promise<void> {
  await rm(join(folder, restoringMark), { force: true });
  await syncDirectory(folder);
}

/** None for a mark whose writing was cut short: then there was nothing yet in the other folders. */
async function markedFolders(folder: string): Promise<readonly string[]> {
  try {
    const mark: unknown = JSON.parse(await readFile(join(folder, restoringMark), "utf8"));
    if (typeof mark !== "object" || mark === null || !("folders" in mark) || !Array.isArray(mark.folders)) return [];
    return mark.folders.filter((one) => typeof one === "string");
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
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
