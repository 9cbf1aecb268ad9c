import { lchown, lstat, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";
import type { ServerUser } from "./server-user.ts";

/**
 * Gives a folder and all below it to `user` (links themselves, never what they point at). Does nothing when `user` is
 * null, that is when we are not root.
 */
export async function giveTree(root: string, user: ServerUser | null): Promise<void> {
  if (user === null) return;
  const pending = [root];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    await lchown(folder, user.uid, user.gid);
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else await lchown(path, user.uid, user.gid);
    }
  }
}

/** Gives a data directory to `user`, with the tablespaces and the WAL folder its links lead to. */
export async function giveCluster(dataDir: string, user: ServerUser | null): Promise<void> {
  if (user === null) return;
  await giveTree(dataDir, user);
  const links = (await listOrNothing(join(dataDir, "pg_tblspc"))).map((name) => join(dataDir, "pg_tblspc", name));
  for (const link of [...links, join(dataDir, "pg_wal")]) {
    const stat = await lstat(link).catch(nullWhenMissing);
    if (stat?.isSymbolicLink()) await giveTree(await realpath(link), user);
  }
}

async function listOrNothing(folder: string): Promise<readonly string[]> {
  return (await readdir(folder).catch(nullWhenMissing)) ?? [];
}

function nullWhenMissing(error: unknown): null {
  if (systemErrorCode(error) === "ENOENT") return null;
  throw error;
}
