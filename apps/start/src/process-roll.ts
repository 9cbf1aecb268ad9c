import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isProcessAlive, type ProcessIdentity, systemErrorCode } from "@tidemark/kit";
import { findPostmaster } from "@tidemark/local-postgres";

/** Which processes a start brought up, written down so that whoever comes after a `kill -9` can clear up. */
export interface ProcessRoll {
  /** Ends by itself when the supervisor is gone; ended first by the next start. */
  readonly watcher: ProcessIdentity | null;
  readonly children: readonly (ProcessIdentity & { readonly name: string })[];
  /** Data directories of our PostgreSQL servers, to be stopped after the children, in this order. */
  readonly clusters: readonly string[];
}

export function rollPath(home: string): string {
  return join(home, "processes.json");
}

export async function readRoll(home: string): Promise<ProcessRoll> {
  try {
    return JSON.parse(await readFile(rollPath(home), "utf8")) as ProcessRoll;
  } catch (error) {
    // Torn by a power cut: after one nothing that it named is alive.
    if (systemErrorCode(error) === "ENOENT" || error instanceof SyntaxError) return emptyRoll;
    throw error;
  }
}

/** Replaces the roll; whole or not at all. */
export async function writeRoll(home: string, roll: ProcessRoll): Promise<void> {
  const next = `${rollPath(home)}.${process.pid}`;
  await writeFile(next, JSON.stringify(roll), { mode: 0o600 });
  await rename(next, rollPath(home));
}

/**
 * Ends children that outlived their supervisor: they stop by themselves when it goes, so they are given `graceMs`,
 * then killed. Resolves with the names of those that had to be.
 */
export async function endChildren(roll: ProcessRoll, graceMs: number): Promise<readonly string[]> {
  const deadline = performance.now() + graceMs;
  for (const child of roll.children) sendTo(child, "SIGTERM");
  while (roll.children.some(isProcessAlive) && performance.now() < deadline) await delay(50);
  const stubborn = roll.children.filter(isProcessAlive);
  for (const child of stubborn) sendTo(child, "SIGKILL");
  return stubborn.map((child) => child.name);
}

/** Asks our PostgreSQL servers to shut down (fast mode: sessions are cut, everything is written down). */
export async function endClusters(roll: ProcessRoll): Promise<void> {
  for (const dataDir of roll.clusters) {
    const pid = await findPostmaster(dataDir);
    if (pid !== null) process.kill(pid, "SIGINT");
  }
}

export function sendTo(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isProcessAlive(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if (systemErrorCode(error) !== "ESRCH") throw error;
  }
}

const emptyRoll: ProcessRoll = { watcher: null, children: [], clusters: [] };
