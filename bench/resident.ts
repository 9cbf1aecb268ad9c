import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import type { Command } from "./measure.ts";

/** What a resident process says: once when it can take orders, and then of each order. */
export interface Answer {
  readonly ok: boolean;
}

/** A process that lives through the whole benchmark and takes one order after another, as a worker takes runs. */
export class Resident {
  readonly #command: Command;
  readonly #log: string;
  #child: ChildProcess | null = null;

  /** It is started by the first order. */
  constructor(command: Command, log: string) {
    this.#command = command;
    this.#log = log;
  }

  /** Starts it, unless it runs, and gives its number; -1 when it could not be started. */
  async start(): Promise<number> {
    if (this.#child === null) {
      const { argv, env } = this.#command;
      const [program = "", ...rest] = argv;
      const log = openSync(this.#log, "a");
      this.#child = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ["ignore", log, log, "ipc"] });
      closeSync(log);
      await answerOf(this.#child);
    }
    return this.#child.pid ?? -1;
  }

  /** From the order to its answer; a process that ended is an act that failed. */
  async perform(order: object): Promise<boolean> {
    const child = this.#child;
    if (child === null || !child.connected) return false;
    const answered = answerOf(child);
    child.send(order);
    return (await answered).ok;
  }

  /** The most memory that was resident at any time of its life, as the kernel counted (VmHWM, proc_pid_status(5)). */
  get lifePeakBytes(): number {
    try {
      const status = readFileSync(`/proc/${this.#child?.pid}/status`, "latin1");
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.disconnect();
    await ended;
  }
}

function answerOf(child: ChildProcess): Promise<Answer> {
  return new Promise((resolve) => {
    const settle = (answer: Answer) => {
      child.off("message", onMessage);
      child.off("exit", onEnd);
      child.off("error", onEnd);
      resolve(answer);
    };
    const onMessage = (message: unknown) => settle(message as Answer);
    const onEnd = () => settle({ ok: false });
    child.once("message", onMessage);
    child.once("exit", onEnd);
    child.once("error", onEnd);
  });
}
