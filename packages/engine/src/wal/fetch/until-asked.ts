import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock } from "@tidemark/kit";
import { isStoreTrouble } from "@tidemark/storage";

export interface UntilAsked {
  /** How long a repository that cannot be asked is asked again, in ms. */
  readonly retryMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Repeats what failed because a repository could not be asked: a store that is away, a disk that is not mounted yet. */
export async function untilAsked<T>(work: () => Promise<T>, { retryMs, clock, signal }: UntilAsked): Promise<T> {
  const untilMs = clock.monotonicMs() + retryMs;
  for (let pauseMs = 250; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (!mayPass(error) || clock.monotonicMs() + pauseMs > untilMs) throw error;
      await delay(pauseMs, undefined, { signal });
    }
  }
}

function mayPass(error: unknown): boolean {
  return isStoreTrouble(error) || (error instanceof AppError && error.code === "repository-missing");
}

/** A recovery that waits is noticed at the latest so long after the repository is back. */
const longestPauseMs = 5000;
