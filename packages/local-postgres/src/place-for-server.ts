import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, realpath, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, sep } from "node:path";
import { AppError, makeFolders, systemErrorCode } from "@tidemark/kit";
import { firstClosedDirectory, type ServerUser } from "./server-user.ts";

export interface ServerPlace {
  /** Where files for the server go. Its parents exist; itself it may not exist yet. */
  readonly path: string;
  /** The path that was asked for, when the server's account cannot enter it and `path` stands in for it; else null. */
  readonly relocatedFrom: string | null;
}

/**
 * A path below which `user` can work: `preferred` itself, or, where one of its parents is closed to that account (a
 * clone below /root, a home of mode 0700), a stand-in: `/var/lib/tidemark-<hash of the closed folder>/<the rest>`.
 *
 * The same `preferred` gets the same stand-in every time, so that a second start finds the first one's files. The
 * folders made on the way belong to root, mode 0711: the account can pass but neither list nor change them.
 *
 * @param user as `findServerUser` gave it; null (we are not root) always means `preferred`.
 */
export async function placeForServer(preferred: string, user: ServerUser | null): Promise<ServerPlace> {
  if (user === null) {
    await makeFolders(dirname(preferred));
    return { path: preferred, relocatedFrom: null };
  }
  const resolved = await resolveExisting(preferred);
  const closed = await firstClosedDirectory(user, existingParents(resolved));
  if (closed === null) {
    await makeFolders(dirname(resolved), 0o755);
    return { path: resolved, relocatedFrom: null };
  }
  const base = await standInFor(closed);
  const path = join(base, relative(closed, resolved));
  let folder = base;
  for (const part of relative(base, dirname(path)).split(sep)) {
    if (part === "") continue;
    folder = join(folder, part);
    if (!existsSync(folder)) await mkdir(folder, { mode: 0o711 });
  }
  return { path, relocatedFrom: preferred };
}

/** Makes (or finds) the folder that stands in for `closed`, in the first place where root may. */
async function standInFor(closed: string): Promise<string> {
  const hash = createHash("sha256").update(closed).digest("hex").slice(0, 12);
  let first: unknown;
  for (const parent of ["/var/lib", tmpdir()]) {
    const base = join(parent, `tidemark-${hash}`);
    try {
      await mkdir(base, { mode: 0o711 });
      await chmod(base, 0o711);
      await writeFile(join(base, "STANDS-FOR"), `${closed}\n`);
      return base;
    } catch (error) {
      if (systemErrorCode(error) === "EEXIST" && (await isOurs(base))) return base;
      first ??= error;
    }
  }
  throw new AppError("home-not-writable", {
    message: `the account PostgreSQL runs under cannot enter ${closed}, and no other place could be made for it`,
    hint: "set TIDEMARK_HOME to a folder that other accounts may enter, or run Tidemark as an ordinary user",
    context: { closed },
    cause: first,
  });
}

/** A stand-in in a folder open to all (tmp) could have been planted by somebody else: only root's own counts. */
async function isOurs(base: string): Promise<boolean> {
  const stat = await lstat(base);
  return stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o022) === 0;
}

/** `path` with its existing part resolved, so that links cannot hide a closed folder. */
async function resolveExisting(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT" || dirname(path) === path) throw error;
    return join(await resolveExisting(dirname(path)), basename(path));
  }
}

function existingParents(path: string): readonly string[] {
  const parents: string[] = [];
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    if (existsSync(folder)) parents.unshift(folder);
    if (folder === dirname(folder)) return parents;
  }
}
