import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { isAlive, sendSignal } from "./server-processes.ts";

export interface ExitReport {
  /** Null when a signal ended it, or when it was not our child and we only saw it go. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A postmaster process: our child, or one that was found running. */
export interface Postmaster {
  readonly pid: number;
  readonly adopted: boolean;
  readonly exited: Promise<ExitReport>;
  hasExited(): boolean;
}

export type StopMode = "smart" | "fast" | "immediate";

export interface StopReport {
  /** What ended it: the mode asked for, a harder one after its time was up, or SIGKILL. */
  readonly how: StopMode | "killed" | "was-stopped";
}

export function childPostmaster(child: ChildProcess, pid: number): Postmaster {
  let gone = false;
  const exited = new Promise<ExitReport>((resolve) => {
    child.once("exit", (exitCode, signal) => {
      gone = true;
      resolve({ exitCode, signal });
    });
  });
  return { pid, adopted: false, exited, hasExited: () => gone };
}

/** A postmaster that somebody else started: its end can only be seen by looking, twice a second. */
export function adoptedPostmaster(pid: number): Postmaster {
  const watch = async (): Promise<ExitReport> => {
    while (isAlive(pid)) await delay(500, undefined, { ref: false });
    return { exitCode: null, signal: null };
  };
  return { pid, adopted: true, exited: watch(), hasExited: () => !isAlive(pid) };
}

/** The signals of the three shutdown modes (PostgreSQL manual, "Shutting Down the Server"). */
const stopSignals: Readonly<Record<StopMode, NodeJS.Signals>> = {
  smart: "SIGTERM",
  fast: "SIGINT",
  immediate: "SIGQUIT",
};

/**
 * Stops a postmaster: in `mode` for `timeoutMs`, then immediate for 10 s, then SIGKILL. After anything harder than
 * fast the next start replays WAL; nothing committed is lost.
 */
export async function stopPostmaster(postmaster: Postmaster, mode: StopMode, timeoutMs: number): Promise<StopReport> {
  if (postmaster.hasExited()) return { how: "was-stopped" };
  sendSignal(postmaster.pid, stopSignals[mode]);
  if (await goneWithin(postmaster, timeoutMs)) return { how: mode };
  if (mode !== "immediate") {
    sendSignal(postmaster.pid, "SIGQUIT");
    if (await goneWithin(postmaster, 10_000)) return { how: "immediate" };
  }
  sendSignal(postmaster.pid, "SIGKILL");
  await goneWithin(postmaster, 10_000);
  return { how: "killed" };
}

async function goneWithin(postmaster: Postmaster, timeoutMs: number): Promise<boolean> {
  // One that is not our child is looked at more often here than its own watch does.
  const pollMs = postmaster.adopted ? 25 : timeoutMs;
  for (let waitedMs = 0; waitedMs < timeoutMs; waitedMs += pollMs) {
    const wake = new AbortController();
    const waiting = delay(pollMs, undefined, { signal: wake.signal }).catch(() => undefined);
    await Promise.race([postmaster.exited, waiting]);
    wake.abort();
    if (postmaster.hasExited()) return true;
  }
  return postmaster.hasExited();
}
