import { Worker } from "node:worker_threads";
import { AppError } from "@tidemark/kit";

/** What goes to a worker script of ours; see `serveRequests`. */
export type WorkerRequest<Request> =
  | { readonly id: number; readonly request: Request }
  /** The act is over: what the thread holds of it, it lets go, and says so. */
  | { readonly id: number; readonly rest: true };

/** What it answers with. */
export type WorkerReply<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly failure: string; readonly systemCode: string | null };

interface Waiting {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker thread of `WorkerThreads`. */
export class ThreadMember {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  /** Why it answers no more. */
  #ended: AppError | null = null;

  constructor(script: URL) {
    this.#worker = new Worker(script);
    this.#worker.on("message", (message: WorkerReply<unknown>) => this.#receive(message));
    this.#worker.on("error", (cause) =>
      this.#fail(new AppError("internal", { message: "a worker thread failed", cause })),
    );
    this.#worker.on("exit", () => this.#fail(new AppError("internal", { message: "a worker thread ended" })));
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  get isAlive(): boolean {
    return this.#ended === null;
  }

  send(request: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    return this.#post((id) => ({ id, request }), transfer);
  }

  /** Whether it holds nothing of its act any more, and may work for another: what was asked is answered, and no file is open. */
  async rest(): Promise<boolean> {
    if (this.waiting > 0) return false;
    return await this.#post((id) => ({ id, rest: true }), []).then(
      () => this.isAlive,
      () => false,
    );
  }

  /** An idle thread is nothing the process lives for. */
  idle(): void {
    this.#worker.unref();
  }

  busy(): void {
    this.#worker.ref();
  }

  /** It has ended when this settles: nothing is written afterwards. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #post(message: (id: number) => WorkerRequest<unknown>, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    // What is posted to a thread that has ended is never answered.
    if (this.#ended !== null) return Promise.reject(this.#ended);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage(message(id), [...transfer]);
    });
  }

  #receive(message: WorkerReply<unknown>): void {
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
