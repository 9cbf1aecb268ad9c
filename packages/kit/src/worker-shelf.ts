import { availableParallelism } from "node:os";
import type { Worker } from "node:worker_threads";

/**
 * Worker threads between two acts. To start one costs 0.15 s of a processor, and as much again until what it runs is compiled:
 * half of an increment of 1 %, a sixth of a restore of 1 GiB (measured 2026-11). What lies here holds nothing of the act it was
 * for and does not keep the process alive.
 */
export class WorkerShelf {
  readonly #most: number;
  readonly #keptMs: number;
  readonly #kept: KeptWorker[] = [];

  /** At most so many in all, of whatever script; each for so long. */
  constructor(most: number, keptMs: number) {
    this.#most = most;
    this.#keptMs = keptMs;
  }

  /** Keeps one to which nobody else listens any more; false where there are enough: the caller ends it. */
  give(script: URL, worker: Worker): boolean {
    if (this.#kept.length >= this.#most) return false;
    const forget = () => void this.#remove(one);
    const timer = setTimeout(() => {
      this.#remove(one);
      // Whether it could be ended matters to nobody any more.
      worker.terminate().catch(() => undefined);
    }, this.#keptMs).unref();
    const one: KeptWorker = { script: script.href, worker, timer, forget };
    worker.on("error", forget).on("exit", forget).unref();
    this.#kept.push(one);
    return true;
  }

  /**
   * The one of this script that came last, or null. The caller listens to it at once, in this turn of the event loop: an error of
   * a thread that nobody listens to ends the process. It does not keep the process alive until it is told to (`ref`).
   */
  take(script: URL): Worker | null {
    const one = this.#kept.findLast((kept) => kept.script === script.href);
    if (one === undefined) return null;
    this.#remove(one);
    return one.worker;
  }

  /** Ends all of them. */
  async clear(): Promise<void> {
    const all = [...this.#kept];
    for (const one of all) this.#remove(one);
    await Promise.all(all.map(({ worker }) => worker.terminate()));
  }

  #remove(one: KeptWorker): void {
    const at = this.#kept.indexOf(one);
    if (at >= 0) this.#kept.splice(at, 1);
    clearTimeout(one.timer);
    one.worker.off("error", one.forget).off("exit", one.forget);
  }
}

interface KeptWorker {
  readonly script: string;
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  readonly forget: () => void;
}

/**
 * That of this process. As many as one act has by default, some 15 MiB each, for as long as one server's backup follows another's,
 * or drills of a night each other.
 */
export const keptWorkers = new WorkerShelf(Math.max(2, Math.min(4, availableParallelism())), 10 * 60_000);
