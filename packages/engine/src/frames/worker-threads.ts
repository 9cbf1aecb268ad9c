import { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";

/** What a worker script of ours answers with; see `serveRequests`. */
export type WorkerReply<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly failure: string; readonly systemCode: string | null };

/**
 * Worker threads that do an act's synchronous work (open frames, write, compare, check) away from the event loop.
 * Requests go to the thread with the fewest; `run` waits while every thread has one at work and one behind it, so what
 * is under way stays bounded. Threads start with the first requests, or with `warmUp`. Close it at the end of the act.
 */
export class WorkerThreads<Request, Reply> implements AsyncDisposable {
  readonly #script: URL;
  readonly #limit: number;
  readonly #members: Member<Reply>[] = [];
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
    while (!this.#closed && this.#members.length < this.#limit) this.#members.push(new Member<Reply>(this.#script));
  }

  /** Throws what the thread threw: a system error keeps its code, anything else is `internal`. */
  async run(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<Reply> {
    return (await this.start(request, transfer)).reply;
  }

  /** As `run`, but comes back as soon as a thread has taken the request. */
  async start(request: Request, transfer: readonly ArrayBuffer[] = []): Promise<{ readonly reply: Promise<Reply> }> {
    const member = await this.#free();
    const reply = member.send(request, transfer);
    // Whoever asked may look later; that it failed is not lost by then.
    reply.catch(() => undefined).finally(() => this.#queue.shift()?.());
    return { reply };
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const wake of this.#queue.splice(0)) wake();
    await Promise.all(this.#members.splice(0).map((member) => member.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #free(): Promise<Member<Reply>> {
    for (;;) {
      if (this.#closed) throw new AppError("internal", { message: "the worker threads are closed" });
      const idle = this.#members.find((member) => member.waiting === 0);
      if (idle !== undefined) return idle;
      if (this.#members.length < this.#limit) {
        const member = new Member<Reply>(this.#script);
        this.#members.push(member);
        return member;
      }
      const least = this.#members.reduce((best, member) => (member.waiting < best.waiting ? member : best));
      if (least.waiting < requestsPerThread) return least;
      await new Promise<void>((resolve) => this.#queue.push(resolve));
    }
  }
}

/** One at work and one behind it, so that a thread never waits for the event loop. */
const requestsPerThread = 2;

interface Waiting<Reply> {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

class Member<Reply> {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting<Reply>>();
  #nextId = 1;
  /** Why it answers no more. */
  #ended: AppError | null = null;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.on("message", (message: WorkerReply<Reply>) => this.#receive(message));
    this.#worker.on("error", (cause) =>
      this.#fail(new AppError("internal", { message: "a worker thread failed", cause })),
    );
    this.#worker.on("exit", () => this.#fail(new AppError("internal", { message: "a worker thread ended" })));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  send(request: unknown, transfer: readonly ArrayBuffer[]): Promise<Reply> {
    // What is posted to a thread that has ended is never answered.
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, request }, [...transfer]);
    });
  }

  /** It has ended when this settles: nothing is written afterwards. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #receive(message: WorkerReply<Reply>): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if ("reply" in message) waiting?.resolve(message.reply);
    else waiting?.reject(asError(message.failure, message.systemCode));
  }

  #fail(error: AppError): void {
    this.#ended ??= error;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}

/** System errors (no space, no rights) stay what they are: whoever asked knows the path and says it better. */
function asError(failure: string, systemCode: string | null): Error {
  if (systemCode !== null) return Object.assign(new Error(failure), { code: systemCode });
  return new AppError("internal", { message: `a worker thread could not do its work: ${failure}` });
}
