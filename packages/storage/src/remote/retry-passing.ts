import { AppError } from "@tidemark/kit";
import { type Pause, realPause } from "../pause.ts";

export interface RetryOptions {
  /** Tries in all, the first included. Default 6. */
  readonly attempts?: number;
  /** Wait before the second try; doubles up to `longestPauseMs`. Default 250. */
  readonly firstPauseMs?: number;
  /** Default 15 000. */
  readonly longestPauseMs?: number;
  readonly pause?: Pause;
  /** 0 (no part of a pause is random) to 1 (all of it); spreads clients that were throttled together. Default 0. */
  readonly jitter?: number;
  readonly random?: () => number;
}

/** Decides after each failure whether to try again, and waits: the one place that knows which troubles pass. */
export class RetryPacer {
  readonly #options: RetryOptions;

  constructor(options: RetryOptions) {
    this.#options = options;
  }

  /** Waits before the next try, or throws the error when it does not pass or the tries are used up. */
  async pauseOrThrow(error: unknown, attempt: number, signal: AbortSignal | undefined): Promise<void> {
    const {
      attempts = 6,
      firstPauseMs = 250,
      longestPauseMs = 15_000,
      jitter = 0,
      random = Math.random,
    } = this.#options;
    if (attempt >= attempts || !isPassing(error)) throw error;
    const fullMs = Math.min(firstPauseMs * 2 ** (attempt - 1), longestPauseMs);
    await (this.#options.pause ?? realPause)(fullMs * (1 - jitter * random()), signal);
  }

  async run<T>(signal: AbortSignal | undefined, act: (attempt: number) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await act(attempt);
      } catch (error) {
        await this.pauseOrThrow(error, attempt, signal);
      }
    }
  }
}

/** Whether the same request may well succeed in a moment. A full or refusing store is not asked again. */
function isPassing(error: unknown): boolean {
  return error instanceof AppError && passing.has(error.code);
}

const passing: ReadonlySet<string> = new Set([
  "storage-unreachable",
  "storage-failed",
  "storage-throttled",
  "storage-host-unknown",
]);
