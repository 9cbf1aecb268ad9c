import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@tidemark/kit";

/** Keeps the average since its start below a rate: whoever was given bytes too early waits. */
export class RateLimit {
  readonly #kibPerSecond: number | null;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  readonly #startedMs: number;
  #bytes = 0;

  constructor(kibPerSecond: number | null, clock: Clock, signal: AbortSignal) {
    this.#kibPerSecond = kibPerSecond;
    this.#clock = clock;
    this.#signal = signal;
    this.#startedMs = clock.monotonicMs();
  }

  async spend(bytes: number): Promise<void> {
    if (this.#kibPerSecond === null) return;
    this.#bytes += bytes;
    const dueMs = (this.#bytes / (this.#kibPerSecond * 1024)) * 1000;
    const earlyMs = this.#startedMs + dueMs - this.#clock.monotonicMs();
    if (earlyMs < shortestWaitMs) return;
    // Cancelled meanwhile: whoever reads next sees it.
    await delay(earlyMs, undefined, { signal: this.#signal }).catch(() => undefined);
  }
}

/** Timers are no finer; what is owed adds up to the next call. */
const shortestWaitMs = 2;
