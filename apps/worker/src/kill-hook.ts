import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { systemErrorCode } from "@tidemark/kit";
import type { KillSettings } from "./config.ts";

/** Called before each durable step with its name. */
export type StepHook = (step: string) => Promise<void>;

/**
 * For kill tests: when a named step is reached, says so in the mark file (one line: step, pid) and then dies by SIGKILL
 * or stays there until it is killed or the mark file is removed, so that a test can kill whatever it wants at exactly
 * this moment and let the act go on. Null settings give a hook that does nothing.
 */
export function createKillHook(settings: KillSettings | null): StepHook {
  if (settings === null) return async () => undefined;
  const isWanted = settings.at.startsWith(orderPrefix)
    ? (step: string) => readOrder(settings.at.slice(orderPrefix.length)).includes(step)
    : countdown(settings.at);
  return async (step) => {
    if (!isWanted(step)) return;
    leaveMark(settings.mark, `${step} ${process.pid}\n`);
    if (settings.mode === "self") process.kill(process.pid, "SIGKILL");
    // The event loop goes on turning: heartbeats and keepalives are answered, as in a worker that is merely slow.
    while (existsSync(settings.mark)) await delay(releaseLookMs);
  };
}

/** `file:<path>`: the file names the steps, one a line, and is read anew at each step, so one worker serves many kills. */
const orderPrefix = "file:";
const releaseLookMs = 20;

function countdown(at: string): (step: string) => boolean {
  const [name = "", nth = "1"] = at.split("@");
  let reached = 0;
  return (step) => step === name && ++reached === Number(nth);
}

function readOrder(path: string): readonly string[] {
  try {
    return readFileSync(path, "utf8").split("\n");
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
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
