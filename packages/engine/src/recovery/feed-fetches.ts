import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock, errorCodes } from "@tidemark/kit";
import { isStoreTrouble } from "@tidemark/storage";
import type { FeedSpool } from "./feed-spool.ts";
import { fetchWalFile } from "./fetch-wal-file.ts";
import type { RecoveryFeedRequest } from "./recovery-feed.ts";

/** Which files a feed has ready or is fetching. */
export class FeedFetches {
  readonly #request: RecoveryFeedRequest;
  readonly #spool: FeedSpool;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  /** In the spool, as far as we know: a shell may have taken one and died before saying so. */
  readonly #ready = new Set<string>();
  readonly #running = new Map<string, Fetch>();
  /** Waiting shells by file: their files are not thrown away. */
  readonly #urgent = new Map<string, number>();
  #ahead: readonly string[] = [];
  /** Ends the looking ahead until the next file is taken: the archive ended, failed, or the disk is full. */
  #paused = false;

  constructor(request: RecoveryFeedRequest, spool: FeedSpool, clock: Clock) {
    this.#request = request;
    this.#spool = spool;
    this.#clock = clock;
  }

  /** The file is in the spool when this gives true. Repeats what may succeed later for `retryMs`. */
  async urgently(name: string): Promise<boolean> {
    this.#urgent.set(name, (this.#urgent.get(name) ?? 0) + 1);
    const deadlineMs = this.#clock.monotonicMs() + this.#request.retryMs;
    try {
      for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
        try {
          if (this.#ready.has(name) && (await this.#spool.holds(name))) return true;
          this.#ready.delete(name);
          return await this.#fetch(name, this.#request.partial);
        } catch (error) {
          const leftMs = deadlineMs - this.#clock.monotonicMs();
          if (this.#stopping.signal.aborted || leftMs <= 0 || !mayPass(error)) throw error;
          // What was fetched ahead gives its space to what is waited for.
          if (error instanceof AppError && error.code === "disk-full") await this.keep([]);
          await delay(Math.min(pauseMs, leftMs), undefined, { signal: this.#stopping.signal });
        }
      }
    } finally {
      const left = (this.#urgent.get(name) ?? 1) - 1;
      if (left > 0) this.#urgent.set(name, left);
      else this.#urgent.delete(name);
    }
  }

  /** PostgreSQL has taken it. */
  forget(name: string): void {
    this.#ready.delete(name);
    this.#paused = false;
  }

  /** Fetches these, in order, a few at a time, and throws away every other that nobody waits for. */
  async keep(ahead: readonly string[]): Promise<void> {
    this.#ahead = ahead;
    const stays = (name: string) => ahead.includes(name) || this.#urgent.has(name);
    for (const [name, { cancel }] of this.#running) if (!stays(name)) cancel.abort();
    for (const name of [...this.#ready]) {
      if (stays(name)) continue;
      this.#ready.delete(name);
      await this.#spool.drop(name);
    }
    this.#fill();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#ahead = [];
    await Promise.allSettled([...this.#running.values()].map(({ done }) => done));
  }

  asAppError(error: unknown): AppError {
    if (error instanceof AppError) return error;
    return new AppError("internal", { message: error instanceof Error ? error.message : String(error), cause: error });
  }

  #fill(): void {
    const parallel = this.#request.parallel ?? 2;
    for (const name of this.#ahead) {
      if (this.#paused || this.#stopping.signal.aborted || this.#running.size >= parallel) return;
      if (this.#ready.has(name) || this.#running.has(name)) continue;
      // Nobody asked for it: what went wrong is tried again, and told, when somebody does.
      this.#fetch(name, false).then(
        (there) => {
          if (!there) this.#paused = true;
          this.#fill();
        },
        () => {
          this.#paused = true;
        },
      );
    }
  }

  /** One fetch per file at a time; a question joins the one that runs. */
  async #fetch(name: string, partial: boolean): Promise<boolean> {
    const running = this.#running.get(name);
    if (running !== undefined) {
      if (await running.done) return true;
      if (!partial) return false;
    }
    const cancel = new AbortController();
    const done = this.#bring(name, partial, AbortSignal.any([cancel.signal, this.#stopping.signal]));
    const fetch: Fetch = { done, cancel };
    this.#running.set(name, fetch);
    try {
      return await done;
    } finally {
      if (this.#running.get(name) === fetch) this.#running.delete(name);
    }
  }

  async #bring(name: string, partial: boolean, signal: AbortSignal): Promise<boolean> {
    const { archive, segmentSizeBytes, through = null } = this.#request;
    const there = await fetchWalFile({ archive, name, segmentSizeBytes, partial, through, signal }, (body, size) =>
      this.#spool.put(name, stoppable(body, signal), size),
    );
    if (there) this.#ready.add(name);
    return there;
  }
}

interface Fetch {
  readonly done: Promise<boolean>;
  readonly cancel: AbortController;
}

async function* stoppable(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const bytes of body) {
    signal.throwIfAborted();
    yield bytes;
  }
}

/** Whether asking again may help: trouble of the store, a full disk, or a fetch ahead that was given up. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof AppError)) return true;
  return isStoreTrouble(error) || errorCodes[error.code].retry !== "never";
}

const firstPauseMs = 100;
const longestPauseMs = 5000;
