import { AppError, systemClock } from "@tidemark/kit";
import type { WalArchive } from "../wal/wal-archive.ts";
import { StallGuard } from "./stall-guard.ts";

/**
 * An archive that may hang: no answer is waited for longer than `stallMs`, and once one did not come nothing is asked for
 * as long again, so that a recovery of many segments does not wait that long for each. A feed lives for days: later the archive is asked again.
 */
export class GuardedWal {
  readonly #archive: WalArchive;
  readonly #stallMs: number;
  readonly #guard: StallGuard;
  #awayUntilMs = Number.NEGATIVE_INFINITY;

  constructor(archive: WalArchive, stallMs: number) {
    this.#archive = archive;
    this.#stallMs = stallMs;
    this.#guard = new StallGuard(stallMs);
  }

  /** Throws what the archive says, and `storage-unreachable` for one that hangs. */
  ask<T>(act: (archive: WalArchive) => Promise<T>): Promise<T> {
    return this.#within(() => act(this.#archive));
  }

  /** The same for each item of what it gives. What hangs is told to end, and not waited for. */
  async *each<T>(
    signal: AbortSignal | undefined,
    begin: (archive: WalArchive, signal: AbortSignal) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const ending = new AbortController();
    const both = signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]);
    const items = begin(this.#archive, both)[Symbol.asyncIterator]();
    let isWhole = false;
    try {
      for (;;) {
        const next = await this.#within(() => items.next());
        isWhole = next.done === true;
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      if (!isWhole) {
        ending.abort();
        items.return?.()?.catch(() => undefined);
      }
    }
  }

  async #within<T>(act: () => Promise<T>): Promise<T> {
    if (systemClock.monotonicMs() < this.#awayUntilMs) {
      throw new AppError("storage-unreachable", { message: "the repository gave no answer a moment ago" });
    }
    const startedMs = systemClock.monotonicMs();
    try {
      return await this.#guard.within(act());
    } catch (error) {
      const nowMs = systemClock.monotonicMs();
      if (nowMs - startedMs >= this.#stallMs) this.#awayUntilMs = nowMs + this.#stallMs;
      throw error;
    }
  }
}
