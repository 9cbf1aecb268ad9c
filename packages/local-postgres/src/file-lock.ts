import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock, systemErrorCode } from "@tidemark/kit";

/** The holder touches its lock this often … */
const heartbeatMs = 2_000;
/** … and one not touched for this long belongs to a dead process. Time stamps hold across containers, pids do not. */
const staleAfterMs = 20_000;
const askAgainMs = 250;

/**
 * Runs `act` while no other process does the same under this lock file. A lock whose holder died is taken over.
 * `act` must stand being run twice at once in the rarest case (a holder that was suspended for longer than 20 s).
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  const token = randomUUID();
  while (!(await tryTake(path, token))) {
    await delay(askAgainMs, undefined, signal === undefined ? {} : { signal });
    await dropStale(path);
  }
  const heartbeat = setInterval(() => {
    const now = systemClock.now();
    // A missed beat is harmless as long as one in ten arrives.
    utimes(path, now, now).catch(() => undefined);
  }, heartbeatMs);
  try {
    return await act();
  } finally {
    clearInterval(heartbeat);
    if ((await readOrNull(path)) === token) await rm(path, { force: true });
  }
}

async function tryTake(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: "wx" });
    return true;
  } catch (error) {
    if (systemErrorCode(error) === "EEXIST") return false;
    throw error;
  }
}

async function dropStale(path: string): Promise<void> {
  const token = await readOrNull(path);
  if (token === null || !(await isStale(path))) return;
  // Renamed first: of several who see the same stale lock one moves it, and it can look at what it moved.
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return;
    throw error;
  }
  if ((await readOrNull(aside)) === token) await rm(aside, { force: true });
  else await rename(aside, path);
}

async function isStale(path: string): Promise<boolean> {
  try {
    const { mtimeMs } = await stat(path);
    return systemClock.now().getTime() - mtimeMs > staleAfterMs;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return false;
    throw error;
  }
}

async function readOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}
