import { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";
import { keptWorkers } from "@tidemark/kit/worker-shelf";
import { ThreadMember } from "./thread-member.ts";

/**
 * Worker threads that do an act's synchronous work (open frames, write, compare, check) away from the event loop.
 * Requests go to the thread with the fewest; `run` waits while every thread has one at work and one behind it, so what
 * is under way stays bounded. Threads start with the first requests, or with `warmUp`, unless an act before left some (`keptWorkers`). Close
 * it at the end of the act.
 */
export class WorkerThreads<Request, Reply> implements AsyncDisposable {
  readonly #script: URL;
  readonly #limit: number;
  readonly #members: ThreadMember[] = [];
  readonly #queue: (() => void)[] = [];
  #closed = false;

  constructor(script: URL, threads: number) {
    this.#script = script;
    this.#limit = Math.max(1, threads);
  }

  get threads(): number {
    return this.#limit;
  }

  /** Starts all threads now: each takes 0.15 s, in which whoever will ask them still reads manifests (measured 2026-11). */
  warmUp(): void {
    while (!this.#closed && this.#members.length < this.#limit) this.#begin();
  }

  /** Throws what the thread threw: a system error keeps its code, anything else is `internal`. */
  async run(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    return (await this.start(request, transfer)).reply;
  }

  /**
   * As `run`, but comes back as soon as a thread has taken the request. Requests of the same `kin` (a number from 0) go to the
   * same threads, as long as none has nothing to do: what works on the same file waits for each other.
   */
  async start(
    request: Request,
    transfer: readonly ArrayBuffer[] = [],
    kin?: number,
  ): Promise<{ readonly reply: Promise<Reply> }> {
    for (;;) {
      if (this.#closed) throw new AppError("internal", { message: "the worker threads are closed" });
      const member = this.#free(kin);
      if (member === null) {
        await new Promise<void>((resolve) => this.#queue.push(resolve));
        continue;
      }
      const reply = member.send(request, transfer) as Promise<Reply>;
      // Whoever asked may look later; that it failed is not lost by then.
      reply.catch(() => undefined).finally(() => this.#wake());
      return { reply };
    }
  }

  /** When it settles, no thread is at work for the act any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#wake();
    await Promise.all(this.#members.splice(0).map((member) => this.#give(member)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** All of them: the room may be for one and not for another. */
  #wake(): void {
    for (const wake of this.#queue.splice(0)) wake();
  }

  #free(kin: number | undefined): ThreadMember | null {
    const own = this.#kinOf(kin);
    const idle = own.find((member) => member.waiting === 0) ?? this.#members.find((member) => member.waiting === 0);
    if (idle !== undefined) return idle;
    if (this.#members.length < this.#limit) return this.#begin();
    const least = own.reduce((best, member) => (member.waiting < best.waiting ? member : best));
    return least.waiting < requestsPerThread ? least : null;
  }

  /** One that an act before has left, or a new one. */
  #begin(): ThreadMember {
    const member = new ThreadMember(keptWorkers.take(this.#script) ?? new Worker(this.#script));
    this.#members.push(member);
    return member;
  }

  /** Keeps a thread that has nothing to do any more, and ends any other: when this settles it is at work no more. */
  async #give(member: ThreadMember): Promise<void> {
    const worker = await member.leave();
    if (worker === null || !keptWorkers.give(this.#script, worker)) await member.stop();
  }

  #kinOf(kin: number | undefined): readonly ThreadMember[] {
    if (kin === undefined || this.#limit < kinds) return this.#members;
    return this.#members.filter((_, index) => index % kinds === kin % kinds);
  }
}

/** One at work and one behind it, so that a thread never waits for the event loop. */
const requestsPerThread = 2;
/** Of kin: as many as packs are read at the same time. */
const kinds = 2;
