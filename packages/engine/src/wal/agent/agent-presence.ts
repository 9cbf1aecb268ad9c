import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { constants } from "node:fs";
import { chmod, chown, open, readdir, rename, rm } from "node:fs/promises";
import { createConnection, createServer, type Server } from "node:net";
import { join } from "node:path";
import { systemErrorCode } from "@tidemark/kit";
import type { Owner } from "../../restore/restore-owner.ts";

export interface AgentPresence {
  /** Of its file in the spool. */
  readonly name: string;
  end(): Promise<void>;
}

/**
 * Shows others that this process lives, for exactly as long as it does: a socket in the spool that takes connections and says
 * nothing. The kernel takes them for a process that hangs, too, and refuses them once it is gone, in whatever container either
 * is, as long as they share the machine. The number of a process says that only to those who count processes as it does.
 */
export async function showPresence(spool: string, owner: Owner | null): Promise<AgentPresence> {
  const random = randomBytes(6).toString("hex");
  const [draft, name] = [`draft.${random}`, `${presencePrefix}${random}`];
  const server = createServer((connection) => connection.destroy());
  // Nobody has to wait for it to end.
  server.unref();
  await inFolder(spool, (folder) => listen(server, `${folder}/${draft}`));
  try {
    await chmod(join(spool, draft), 0o600);
    if (owner !== null) await chown(join(spool, draft), owner.uid, owner.gid);
    // Under its name only now that it listens: what has such a name and refuses is of a process that is gone.
    await rename(join(spool, draft), join(spool, name));
  } catch (error) {
    server.close();
    throw error;
  }
  return {
    name,
    async end() {
      const closed = once(server, "close");
      server.close();
      await closed;
      await rm(join(spool, name), { force: true });
    },
  };
}

export async function isPresent(spool: string, name: string): Promise<boolean> {
  return await inFolder(spool, async (folder) => {
    const connection = createConnection(`${folder}/${name}`);
    try {
      await once(connection, "connect");
      return true;
    } catch (error) {
      const code = systemErrorCode(error);
      // The last: it went while we waited to be let in (unix_release_sock of the kernel).
      if (code === "ECONNREFUSED" || code === "ENOENT" || code === "ECONNRESET") return false;
      // So many wait to be let in that no more can: somebody holds the door.
      if (code === "EAGAIN") return true;
      throw error;
    } finally {
      connection.destroy();
    }
  });
}

/** Removes what processes that are gone left of themselves. */
export async function sweepPresences(spool: string): Promise<void> {
  for (const name of await readdir(spool)) {
    if (!isPresenceName(name) || (await isPresent(spool, name))) continue;
    await rm(join(spool, name), { force: true });
  }
}

export function isPresenceName(name: string): boolean {
  return /^here\.[0-9a-f]{12}$/.test(name);
}

const presencePrefix = "here.";

/**
 * A path of the folder that is short enough for a socket, whatever its own is: sun_path of unix(7) takes 107 bytes, and a
 * folder may have more, while its agent's socket lies elsewhere.
 */
async function inFolder<T>(folder: string, work: (path: string) => Promise<T>): Promise<T> {
  if (process.platform !== "linux") return await work(folder);
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  return await work(`/proc/self/fd/${handle.fd}`);
}

async function listen(server: Server, path: string): Promise<void> {
  const listening = once(server, "listening");
  server.listen(path);
  await listening;
  // Whoever could not be let in (no more files may be open) has been answered by the kernel already.
  server.on("error", () => undefined);
}
