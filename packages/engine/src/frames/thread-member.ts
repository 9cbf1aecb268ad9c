import type { Worker } from "node:worker_threads";
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
  readonly #onMessage = (message: WorkerReply<unknown>): void => this.#receive(message);
  readonly #onError = (cause: unknown): void => this.#fail("a worker thread failed", cause);
  readonly #onExit = (): void => this.#fail("a worker thread ended");
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  /** Why it answers no more. */
  #ended: AppError | null = null;

  /** One that serves requests (`serveRequests`) and is nobody else's. */
  constructor(worker: Worker) {
    this.#worker = worker;
    worker.ref();
    worker.on("message", this.#onMessage).on("error", this.#onError).on("exit", this.#onExit);
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  send(request: unknown, transfer: readonly ArrayBuffer[]): Promise<unknown> {
    return this.#post((id) => ({ id, request }), transfer);
  }

  /**
   * The thread, when it holds nothing of its act any more and may work for another: what was asked is answered, and no file is
   * open. It is this member's no more. Null when it cannot be that.
   */
  async leave(): Promise<Worker | null> {
    if (this.waiting > 0) return null;
    const rested = await this.#post((id) => ({ id, rest: true }), []).then(
      () => true,
      () => false,
    );
    if (!rested || this.#ended !== null) return null;
    this.#fail("a worker thread was given to another act");
    return this.#worker.off("message", this.#onMessage).off("error", this.#onError).off("exit", this.#onExit);
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

  #fail(message: string, cause?: unknown): void {
    this.#ended ??= new AppError("internal", { message, cause });
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(this.#ended);
  }
}

/** System errors (no space, no rights) stay what they are: whoever asked knows the path and says it better. */
function asError(failure: string, systemCode: string | null): Error {
  if (systemCode !== null) return Object.assign(new Error(failure), { code: systemCode });
  return new AppError("internal", { message: `a worker thread could not do its work: ${failure}` });
}
