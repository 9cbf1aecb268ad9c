import { lchown, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerUser } from "./server-user.ts";

/** sockaddr_un holds 107 bytes on Linux and 103 on macOS; `/.s.PGSQL.65535.lock` needs 20 of them. */
const longestFolder = 82;

/**
 * Makes the folder of a server's unix socket, beside its data directory, open to its account only; in the system's
 * folder for temporary files when that path is too long for a socket. Leftovers of a dead server in it are removed:
 * call it only when no server is running on that data directory.
 */
export async function makeSocketFolder(dataDir: string, user: ServerUser | null): Promise<string> {
  const beside = `${dataDir}-socket`;
  const folder = Buffer.byteLength(beside) <= longestFolder ? beside : await mkdtemp(join(tmpdir(), "tidemark-"));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) {
    if (name.startsWith(".s.PGSQL.")) await rm(join(folder, name), { force: true });
  }
  if (user !== null) await lchown(folder, user.uid, user.gid);
  return folder;
}
