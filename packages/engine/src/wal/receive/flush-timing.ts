import type { Clock } from "@tidemark/kit";

export interface FlushTimingOptions {
  readonly clock: Clock;
  /** A commit may wait for what has arrived. */
  readonly synchronous: boolean;
  /** Between two flushes of what is the newest there is, when nothing waits. */
  readonly flushEveryMs: number;
  readonly segmentSizeBytes: number;
  /** Makes durable what was received; never rejects. */
  readonly flush: () => Promise<void>;
}

/**
 * Decides when what was received is made durable, one flush after the other: at once when a commit or the server waits for
 * it, now and then while it is the newest there is, and hardly ever while the stream is more than a segment behind, since
 * whole segments follow each other then.
 */
export class FlushTiming {
  readonly #options: FlushTimingOptions;
  #unflushedSinceMs: number | null = null;
  #flushedAtMs = Number.NEGATIVE_INFINITY;
  #isBehind = false;
  #isWaitedFor = false;
  #isFlushing = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | null = null;
  #timerAtMs = 0;

  constructor(options: FlushTimingOptions) {
    this.#options = options;
  }

  received(receivedLsn: bigint, serverLsn: bigint): void {
    this.#unflushedSinceMs ??= this.#options.clock.monotonicMs();
    this.#isBehind = serverLsn - receivedLsn > BigInt(this.#options.segmentSizeBytes);
    this.#schedule();
  }

  /** The server asks, and goes on when what it sent is durable. */
  serverWaits(): void {
    if (this.#unflushedSinceMs === null && !this.#isFlushing) return;
    this.#isWaitedFor = true;
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (this.#isFlushing || this.#isStopped || this.#unflushedSinceMs === null) return;
    const dueAtMs = this.#dueAtMs();
    const waitMs = dueAtMs - this.#options.clock.monotonicMs();
    if (waitMs <= 0) {
      this.#run();
      return;
    }
    if (this.#timer !== null && this.#timerAtMs === dueAtMs) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), waitMs);
    this.#timerAtMs = dueAtMs;
  }

  #dueAtMs(): number {
    const { synchronous, flushEveryMs } = this.#options;
    const since = this.#unflushedSinceMs ?? 0;
    if (this.#isWaitedFor) return since;
    if (this.#isBehind) return since + behindMs;
    return synchronous ? since : Math.max(since, this.#flushedAtMs + flushEveryMs);
  }

  #run(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#isFlushing = true;
    this.#isWaitedFor = false;
    this.#unflushedSinceMs = null;
    void this.#options.flush().then(() => {
      this.#isFlushing = false;
      this.#flushedAtMs = this.#options.clock.monotonicMs();
      this.#schedule();
    });
  }
}

/** A stream that is behind for lack of bandwidth may take minutes for a segment. */
const behindMs = 10_000;
