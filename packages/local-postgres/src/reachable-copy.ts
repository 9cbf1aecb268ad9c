import { existsSync } from "node:fs";
import { cp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { placeForServer, type ServerPlace } from "./place-for-server.ts";
import type { ServerUser } from "./server-user.ts";

/**
 * The programs below `nativeDir` (a package's `native` folder) where `user` can run them: in place, or copied once per
 * version to a stand-in. The copy is made beside its final name and renamed, so a crash leaves no half under that name.
 */
export async function reachableCopy(nativeDir: string, user: ServerUser | null): Promise<ServerPlace> {
  // The folder itself must be open too, hence the question about a name inside it.
  const inside = await placeForServer(join(nativeDir, "bin"), user);
  if (inside.relocatedFrom === null) return { path: nativeDir, relocatedFrom: null };
  const { path } = await placeForServer(`${nativeDir}-${await packageVersion(nativeDir)}`, user);
  if (!existsSync(path)) {
    const unfinished = `${path}.copy-${process.pid}`;
    await rm(unfinished, { recursive: true, force: true });
    await cp(nativeDir, unfinished, { recursive: true, verbatimSymlinks: true });
    await rename(unfinished, path).catch(async (error: unknown) => {
      await rm(unfinished, { recursive: true, force: true });
      // Somebody else finished the same copy first: theirs is as good.
      if (!existsSync(path)) throw error;
    });
  }
  return { path, relocatedFrom: nativeDir };
}

async function packageVersion(nativeDir: string): Promise<string> {
  const manifest: unknown = JSON.parse(await readFile(join(dirname(nativeDir), "package.json"), "utf8"));
  if (typeof manifest === "object" && manifest !== null && "version" in manifest) return String(manifest.version);
  return "unversioned";
}
