import { Worker } from "node:worker_threads";
import { AppError, type ErrorDescription } from "@tidemark/kit";
import type { PushedWal } from "./push-wal.ts";

/** What a lane is sent, and what it answers. */
export interface LaneRequest {
  readonly id: number;
  readonly path: string;
}
export type LaneAnswer = { readonly id: number } & (
  | { readonly pushed: PushedWal; readonly error?: undefined }
  | { readonly error: ErrorDescription }
);

export interface PushLanesOptions {
  /** A script that calls `servePushes`. */
  readonly script: URL;
  readonly workerData: unknown;
  /** Threads at most. */
  readonly lanes: number;
}

/**
 * Pushes files in threads, one file at a time in each: reading, scanning, sealing and writing of a segment stay in one
 * thread, which takes half of the time it takes to hand its blocks to others.
 */
export class PushLanes {
  readonly #options: PushLanesOptions;
  readonly #lanes: Lane[] = [];

  constructor(options: PushLanesOptions) {
    this.#options = options;
  }

  /** Starts those that do not run, which takes each as long as it takes to store some ten segments; else one starts when it is needed. */
  start(): void {
    while (this.#lanes.length < this.#options.lanes) this.#lanes.push(new Lane(this.#options));
  }

  push(path: string): Promise<PushedWal> {
    return this.#leastBusy().push(path);
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.splice(0).map((lane) => lane.close()));
  }

  #leastBusy(): Lane {
    const living = this.#lanes.filter((lane) => !lane.isOver);
    this.#lanes.splice(0, this.#lanes.length, ...living);
    const idle = living.find((lane) => lane.load === 0);
    if (idle !== undefined) return idle;
    if (living.length < this.#options.lanes) {
      const lane = new Lane(this.#options);
      this.#lanes.push(lane);
      return lane;
    }
    return living.reduce((best, lane) => (lane.load < best.load ? lane : best));
  }
}

class Lane {
  isOver = false;
  readonly #worker: Worker;
  readonly #waiting = new Map<number, PromiseWithResolvers<PushedWal>>();
  #asked = 0;

  constructor({ script, workerData }: PushLanesOptions) {
    this.#worker = new Worker(script, { workerData, resourceLimits: { maxYoungGenerationSizeMb: youngMiB } });
    this.#worker.on("message", (answer: LaneAnswer) => this.#answer(answer));
    this.#worker.on("error", (error) => this.#end(error));
    this.#worker.on("exit", () => this.#end(new Error("the thread ended")));
  }

  get load(): number {
    return this.#waiting.size;
  }

  push(path: string): Promise<PushedWal> {
    const waiting = Promise.withResolvers<PushedWal>();
    const id = this.#asked++;
    this.#waiting.set(id, waiting);
    this.#worker.postMessage({ id, path } satisfies LaneRequest);
    return waiting.promise;
  }

  async close(): Promise<void> {
    this.isOver = true;
    await this.#worker.terminate();
  }

  #answer(answer: LaneAnswer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting?.resolve(answer.pushed);
    else {
      const { code, message, hint } = answer.error;
      waiting?.reject(new AppError(code, { message, hint: hint ?? undefined }));
    }
  }

  #end(cause: unknown): void {
    this.isOver = true;
    for (const { reject } of this.#waiting.values()) {
      reject(
        new AppError("internal", {
          message: "the thread that pushed it ended by itself",
          hint: "the server asks again, and another thread takes it",
          cause,
        }),
      );
    }
    this.#waiting.clear();
  }
}

/** As that of the threads that seal frames: what a push leaves behind is short-lived. */
const youngMiB = 4;
