import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { KillSettings } from "./config.ts";

/** Called before each durable step with its name. */
export type StepHook = (step: string) => Promise<void>;

/**
 * For kill tests: when the named step is reached, says so in the mark file (one line: step, pid) and then dies by
 * SIGKILL or stays there until it is killed, so that a test can kill whatever it wants at exactly this moment. Null
 * settings give a hook that does nothing.
 */
export function createKillHook(settings: KillSettings | null): StepHook {
  if (settings === null) return async () => undefined;
  const [name = "", nth = "1"] = settings.at.split("@");
  let reached = 0;
  return async (step) => {
    if (step !== name) return;
    reached++;
    if (reached !== Number(nth)) return;
    leaveMark(settings.mark, `${step} ${process.pid}\n`);
    if (settings.mode === "self") process.kill(process.pid, "SIGKILL");
    // The event loop goes on turning: heartbeats and keepalives are answered, as in a worker that is merely slow.
    for (;;) await delay(60_000);
  };
}

function leaveMark(path: string, line: string): void {
  const file = openSync(path, "a", 0o600);
  try {
    writeSync(file, line);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
