import type { Clock } from "@tidemark/kit";
import type { WalReceiverState } from "./receive-types.ts";

/** Holds what is known of a receiver and tells it: a new phase or error at once, positions now and then. */
export class ReceiverState {
  readonly #clock: Clock;
  readonly #tell: (state: WalReceiverState) => void;
  #state: WalReceiverState = {
    state: "connecting",
    systemIdentifier: null,
    timeline: null,
    receivedLsn: null,
    flushedLsn: null,
    serverLsn: null,
    lastCommit: null,
    lastMessageAt: null,
    reconnects: 0,
    error: null,
  };
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(clock: Clock, tell: (state: WalReceiverState) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  get current(): WalReceiverState {
    return this.#state;
  }

  update(change: Partial<WalReceiverState>): void {
    const before = this.#state;
    this.#state = { ...before, ...change };
    if (this.#state.state !== before.state || this.#state.error !== before.error) this.#tellNow();
    else this.#tellSoon();
  }

  #tellSoon(): void {
    if (this.#timer !== null) return;
    const waitMs = Math.max(0, this.#toldAtMs + everyMs - this.#clock.monotonicMs());
    this.#timer = setTimeout(() => this.#tellNow(), waitMs);
    this.#timer.unref();
  }

  #tellNow(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#toldAtMs = this.#clock.monotonicMs();
    this.#tell(this.#state);
  }
}

const everyMs = 250;
