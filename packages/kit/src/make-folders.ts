import { Stats } from "node:fs";
import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { systemErrorCode } from "./app-error.ts";

/**
 * Makes a folder and those above it that are missing. Gives the uppermost it made, undefined when all were there.
 *
 * Node's own `mkdir` with `recursive` (24.9 to 24.21 tried) never returns, and keeps a core busy, where a file system
 * answers ENOENT below a folder that exists, as procfs and the roots of automounters do; a path that a person typed may
 * lead there. Here the second ENOENT is the answer.
 */
export async function makeFolders(path: string, mode?: number): Promise<string | undefined> {
  const absent = await make(path, mode);
  if (absent === "made") return path;
  if (absent === "there") return undefined;
  const parent = dirname(path);
  if (parent === path) throw absent;
  const first = await makeFolders(parent, mode);
  const again = await make(path, mode);
  if (again instanceof Error) throw again;
  return first ?? (again === "made" ? path : undefined);
}

/** One folder; the ENOENT of a missing parent is given back, other failures are thrown. */
async function make(path: string, mode: number | undefined): Promise<"made" | "there" | Error> {
  for (;;) {
    try {
      await mkdir(path, mode);
      return "made";
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "ENOENT" && error instanceof Error) return error;
      // A read-only or closed parent is no matter when the folder is there already.
      const found = await stat(path).catch((cause: unknown) => cause);
      if (found instanceof Stats && found.isDirectory()) return "there";
      // Who removes a folder that is empty may do so between the two questions.
      if (code !== "EEXIST" || systemErrorCode(found) !== "ENOENT") throw error;
      // What is there and leads nowhere is a link, not a folder that went.
      if (await isLink(path)) throw error;
    }
  }
}

async function isLink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch {
    // Gone as well; mkdir says what is so now.
    return false;
  }
}
