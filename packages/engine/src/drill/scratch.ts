import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { findPostmaster, findServerUser, placeForServer } from "@tidemark/local-postgres";

/** Where one drill works; everything in it is thrown away. */
export interface ScratchPlace {
  readonly root: string;
  readonly dataDir: string;
  readonly configDir: string;
  readonly logPath: string;
  tablespaceDir(oid: number): string;
}

/** The place of a drill below `scratchDir`, moved where the server's account may go when that is closed to it. */
export async function scratchPlace(scratchDir: string, drillId: string): Promise<ScratchPlace> {
  if (!/^[A-Za-z0-9_-]+$/.test(drillId))
    throw new AppError("bad-request", { message: `"${drillId}" cannot name a folder` });
  const { path: root } = await placeForServer(join(scratchDir, drillId), await findServerUser());
  return {
    root,
    dataDir: join(root, "data"),
    configDir: join(root, "config"),
    logPath: join(root, "server.log"),
    tablespaceDir: (oid) => join(root, "tablespaces", String(oid)),
  };
}

/**
 * Throws away what drills left in a scratch folder: stops a PostgreSQL server that outlived its drill, then removes its
 * files. Those in use are left alone, and asked for after the folder was read: one that begins meanwhile is not in it yet.
 * Gives the ids of the drills that were removed.
 */
export async function cleanScratch(
  scratchDir: string,
  askUsed: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const { path: root } = await placeForServer(join(scratchDir, "any"), await findServerUser());
  const base = join(root, "..");
  const removed: string[] = [];
  const names = await listFolder(base);
  if (names.length === 0) return [];
  const used = new Set(await askUsed());
  for (const name of names) {
    if (used.has(name)) continue;
    await removeScratch(join(base, name));
    removed.push(name);
  }
  return removed;
}

/** Stops the server of one scratch place, if one is left, and removes the place. */
export async function removeScratch(root: string): Promise<void> {
  await stopLeftover(join(root, "data"));
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
}

/** Immediate: nothing in it is worth a checkpoint. */
async function stopLeftover(dataDir: string): Promise<void> {
  for (let attempt = 0; attempt < stopAttempts; attempt++) {
    const pid = await findPostmasterOrNull(dataDir);
    if (pid === null) return;
    // Its own immediate shutdown first, which ends its children too.
    signalIfThere(pid, attempt < stopAttempts / 2 ? "SIGQUIT" : "SIGKILL");
    await delay(stopPollMs);
  }
  throw new AppError("drill-failed", {
    message: `a PostgreSQL server in ${dataDir} cannot be ended`,
    hint: "end it by hand; its files are only a copy",
  });
}

async function findPostmasterOrNull(dataDir: string): Promise<number | null> {
  try {
    return await findPostmaster(dataDir);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

const stopPollMs = 100;
/** Ten seconds in all. */
const stopAttempts = 100;
