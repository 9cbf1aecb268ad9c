import { link, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, identifyProcess, isProcessAlive, type ProcessIdentity, systemErrorCode } from "@tidemark/kit";

export interface HomeLock {
  /** Tells a start that comes meanwhile to wait rather than to refuse. */
  markStopping(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the home for this process. A lock whose owner died (`kill -9`, power cut) is recognised by the owner's number
 * and start time, so a later process with the same number does not keep it alive. An owner that is just stopping is
 * waited for, up to `waitMs`.
 *
 * @throws AppError `home-in-use` naming the owner's pid.
 */
export async function acquireHomeLock(home: string, waitMs: number): Promise<HomeLock> {
  const path = join(home, "lock");
  const self = identifyProcess(process.pid);
  if (self === null) throw new Error("this process cannot see itself");
  const deadline = performance.now() + waitMs;
  for (;;) {
    if (await createExclusively(path, { ...self, stopping: false })) return lockOf(path, self);
    const owner = await readLock(path);
    if (owner === null) continue; // released between the two looks
    if (!isProcessAlive(owner)) {
      await removeStale(path, owner);
      continue;
    }
    if (!owner.stopping || performance.now() > deadline) throw inUse(home, owner);
    await delay(200);
  }
}

interface LockContent extends ProcessIdentity {
  readonly stopping: boolean;
}

function lockOf(path: string, self: ProcessIdentity): HomeLock {
  return {
    async markStopping() {
      const next = `${path}.${process.pid}.stopping`;
      await writeFile(next, JSON.stringify({ ...self, stopping: true }), { mode: 0o600 });
      await rename(next, path);
    },
    async release() {
      await rm(path, { force: true });
    },
  };
}

/** Written whole under another name and linked: a lock that can be seen can be read. */
async function createExclusively(path: string, content: LockContent): Promise<boolean> {
  const own = `${path}.${process.pid}`;
  await writeFile(own, JSON.stringify(content), { mode: 0o600 });
  try {
    await link(own, path);
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await rm(own, { force: true });
  }
}

async function readLock(path: string): Promise<LockContent | null> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
  try {
    const value = JSON.parse(text) as LockContent;
    if (Number.isInteger(value.pid)) return value;
  } catch {
    // A lock torn by a power cut names nobody: whoever wrote it is gone.
  }
  return { pid: 0, began: "nobody", stopping: false };
}

/**
 * Two starts may find the same stale lock. Each moves what is there aside under a name of its own; the one that moved
 * a fresh lock instead (the other was faster) puts it back.
 */
async function removeStale(path: string, stale: LockContent): Promise<void> {
  const aside = `${path}.stale-${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  const moved = await readLock(aside);
  if (moved !== null && (moved.pid !== stale.pid || moved.began !== stale.began)) {
    await link(aside, path).catch((error: unknown) => {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    });
  }
  await rm(aside, { force: true });
}

function inUse(home: string, owner: LockContent): AppError {
  return new AppError("home-in-use", {
    message: `${home} is in use by Tidemark with pid ${owner.pid}`,
    hint: "stop it with Ctrl-C in its terminal, or choose another folder with TIDEMARK_HOME (and another PORT)",
    context: { home, pid: owner.pid },
  });
}
