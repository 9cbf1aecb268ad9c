import { execFile } from "node:child_process";
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { systemClock, systemErrorCode } from "@tidemark/kit";
import { readPostmasterFile } from "./postmaster-file.ts";

/**
 * The pid of the live postmaster of a data directory, or null. The pid in `postmaster.pid` alone proves nothing: after
 * a crash it may by now be somebody else's, so the process must be a postgres that works in this very folder.
 */
export async function findPostmaster(dataDir: string): Promise<number | null> {
  const file = await readPostmasterFile(dataDir);
  if (file === null || !isAlive(file.pid)) return null;
  return (await isServerProcess(file.pid, dataDir)) ? file.pid : null;
}

/**
 * All processes of the server of a data directory: also those that outlived their postmaster for a moment and would
 * keep a new one from starting (they hold the shared memory). Off Linux only the postmaster can be told.
 */
export async function serverProcesses(dataDir: string): Promise<readonly number[]> {
  if (process.platform !== "linux") {
    const postmaster = await findPostmaster(dataDir);
    return postmaster === null ? [] : [postmaster];
  }
  const folder = await realpath(dataDir);
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (/^\d+$/.test(name) && (await worksIn(Number(name), folder))) found.push(Number(name));
  }
  return found;
}

/** Sends a signal; a process that has gone already is no error. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, but belongs to somebody else.
    return systemErrorCode(error) !== "ESRCH";
  }
}

/**
 * Waits until no process of that server is left, and ends by SIGKILL those that remain after `graceMs`. Orphans of a
 * dead postmaster end by themselves as soon as they look at its pipe; only a stuck one needs the signal.
 */
export async function awaitNoProcesses(dataDir: string, graceMs: number): Promise<void> {
  const startedMs = systemClock.monotonicMs();
  for (let left = await serverProcesses(dataDir); left.length > 0; left = await serverProcesses(dataDir)) {
    if (systemClock.monotonicMs() - startedMs > graceMs) for (const pid of left) sendSignal(pid, "SIGKILL");
    await delay(25);
  }
}

async function isServerProcess(pid: number, dataDir: string): Promise<boolean> {
  const folder = await realpath(dataDir);
  if (process.platform === "linux") return await worksIn(pid, folder);
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "command=", "-p", String(pid)]);
    return /postgres|postmaster/.test(stdout) && (stdout.includes(dataDir) || stdout.includes(folder));
  } catch {
    // `ps` exits non-zero when the process has gone.
    return false;
  }
}

/** A PostgreSQL process changes into its data directory for good (src/backend/utils/init/miscinit.c, ChangeToDataDir). */
async function worksIn(pid: number, folder: string): Promise<boolean> {
  try {
    if ((await readlink(`/proc/${pid}/cwd`)) !== folder) return false;
    return /^(postgres|postmaster)/.test(await readFile(`/proc/${pid}/comm`, "utf8"));
  } catch (error) {
    const code = systemErrorCode(error);
    // It ended while we looked, or it is not ours to look at.
    if (code === "ENOENT" || code === "ESRCH" || code === "EACCES" || code === "EPERM") return false;
    throw error;
  }
}
