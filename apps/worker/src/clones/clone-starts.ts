import type { Clock } from "@tidemark/kit";

/** How often a clone's server did not start in a row, and when it is tried again. */
export class CloneStarts {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #failed = new Map<string, { readonly count: number; readonly dueMs: number }>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  isDue(cloneId: string): boolean {
    return this.#clock.monotonicMs() >= (this.#failed.get(cloneId)?.dueMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Counts a start that failed. `againInMs` null: that was the last try. */
  failed(cloneId: string): { readonly count: number; readonly againInMs: number | null } {
    const count = (this.#failed.get(cloneId)?.count ?? 0) + 1;
    const againInMs = pausesMs[count - 1] ?? null;
    this.#failed.set(cloneId, { count, dueMs: this.#clock.monotonicMs() + (againInMs ?? 0) });
    return { count, againInMs };
  }

  forget(cloneId: string): void {
    this.#failed.delete(cloneId);
  }
}

/**
 * A disk or a memory that is full for a moment, and a machine that is just booting, are over within some minutes. Each
 * try costs a start of PostgreSQL, and the row says why it does not start meanwhile.
 */
const pausesMs = [1_000, 5_000, 15_000, 60_000, 180_000] as const;
/** Of starts in a row. */
export const mostStarts: number = pausesMs.length + 1;
