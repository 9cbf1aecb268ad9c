import type { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";
import type { FrameJob, FrameOutcome } from "../types.ts";
import type { WalBlockJob, WalBlockOutcome } from "../wal/seal-wal-block.ts";
import { type FrameAnswer, FrameMemory } from "./frame-memory.ts";
import type { OpenFrameJob, OpenFrameOutcome } from "./open-frame.ts";
import type { FrameFailure, FrameReply, FrameRequest, PlacedJob, WalBlockAnswer } from "./serve-frames.ts";

interface Waiting {
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One thread of a `FramePool`. */
export class FrameThread {
  alive = true;
  /** Frames it has encoded or opened. */
  answered = 0;
  readonly #worker: Worker;
  readonly #onMessage = (reply: FrameReply): void => this.#receive(reply);
  readonly #onError = (cause: unknown): void => this.#die(poolError("a frame worker failed", cause));
  readonly #onExit = (code: number): void => this.#die(poolError(`a frame worker ended with code ${code}`));
  readonly #waiting = new Map<number, Waiting>();
  /** By what number the thread knows them. */
  readonly #memories = new Map<FrameMemory, number>();
  #nextId = 1;

  /** One that serves frames (`serveFrames`) and is nobody else's. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
    worker.on("message", this.#onMessage).on("error", this.#onError).on("exit", this.#onExit);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  async open(job: OpenFrameJob): Promise<OpenFrameOutcome> {
    const outcome = await this.#post((id) => ({ id, kind: "open", job }), [job.stored.buffer as ArrayBuffer]);
    this.answered++;
    return outcome as OpenFrameOutcome;
  }

  /** One after another in one thread, with one message there and one back; an error for each frame that failed. */
  async encode(jobs: readonly FrameJob[]): Promise<(FrameOutcome | Error)[]> {
    const placed = jobs.map((job) => this.#place(job));
    const sent = placed.map((place) => place.sent);
    const answers = (await this.#post((id) => ({ id, kind: "encode", jobs: sent }), [])) as readonly (
      | FrameAnswer
      | FrameFailure
    )[];
    this.answered += jobs.length;
    return jobs.map(({ parts }, index) => {
      const [answer, place] = [answers[index], placed[index]];
      if (answer === undefined || place === undefined) throw poolError("a frame worker left out a frame");
      return isFailure(answer) ? frameError(answer) : place.memory.outcome(answer, parts);
    });
  }

  async sealWal(jobs: readonly WalBlockJob[]): Promise<WalBlockOutcome[]> {
    const placed = jobs.map((job) => this.#place(job));
    const sent = placed.map((place) => place.sent);
    const answers = (await this.#post((id) => ({ id, kind: "wal", jobs: sent }), [])) as readonly WalBlockAnswer[];
    this.answered += jobs.length;
    return placed.map(({ memory }, index) => {
      const answer = answers[index];
      if (answer === undefined) throw poolError("a frame worker left out a block of WAL");
      return { stored: [memory.box(answer.at, answer.storedBytes)], leaf: answer.leaf };
    });
  }

  #place<Job extends { readonly plain: Uint8Array }>(
    job: Job,
  ): { readonly memory: FrameMemory; readonly sent: PlacedJob<Job> } {
    const { plain } = job;
    if (!FrameMemory.holds(plain)) throw new RangeError("a frame is encoded in memory that is shared");
    const memory = FrameMemory.of(plain);
    const known = this.#memories.get(memory);
    const number = known ?? this.#memories.size;
    if (known === undefined) this.#memories.set(memory, number);
    const place = { plain: null, memory: number, plainBytes: plain.length };
    return { memory, sent: known === undefined ? { ...job, ...place, shared: memory.shared } : { ...job, ...place } };
  }

  #post(request: (id: number) => FrameRequest, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // Only work keeps the process alive, not an idle pool.
      if (this.#waiting.size === 1) this.#worker.ref();
      try {
        this.#worker.postMessage(request(id), [...transfer]);
      } catch (error) {
        // It cannot be cloned. Nothing was sent, so that no answer will come.
        this.#settle(id);
        // Memories of this request count as sent: each is named anew.
        this.#memories.clear();
        reject(error);
      }
    });
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  /** The thread, as a new one that has loaded its modules already; null when it cannot be that. It is this one's no more. */
  leave(): Worker | null {
    if (!this.alive || this.#waiting.size > 0) return null;
    this.alive = false;
    this.#worker.postMessage({ id: 0, kind: "forget" } satisfies FrameRequest);
    return this.#worker.off("message", this.#onMessage).off("error", this.#onError).off("exit", this.#onExit);
  }

  #receive(reply: FrameReply): void {
    const waiting = this.#settle(reply.id);
    if ("failure" in reply) waiting?.reject(frameError({ ...reply, kind: "failed", systemCode: null }));
    else waiting?.resolve(reply.outcome);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#worker.unref();
    return waiting;
  }

  #die(error: AppError): void {
    this.alive = false;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

function isFailure(answer: FrameAnswer | FrameFailure): answer is FrameFailure {
  return answer !== null && "failure" in answer;
}

/** A system error stays what it is: whoever asked knows the file and says it better. */
function frameError({ failure, systemCode }: FrameFailure): Error {
  if (systemCode !== null) return Object.assign(new Error(failure), { code: systemCode, syscall: "read" });
  return poolError(`a frame could not be worked on: ${failure}`);
}

export function poolError(message: string, cause?: unknown): AppError {
  return new AppError("internal", { message, cause });
}
