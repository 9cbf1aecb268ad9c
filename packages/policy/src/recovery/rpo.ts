import type { WindowCommit } from "./recovery-types.ts";

export interface RpoFacts {
  /** Up to where the server has written; null when it could not be asked. */
  readonly serverLsn: bigint | null;
  /** Up to where it is durable with us; null when nothing is. */
  readonly flushedLsn: bigint | null;
  /** Since when nobody tells the server's position any more, so that it may have written since; null: it is told now. */
  readonly untoldSince?: Date | null;
  /** The time of the oldest commit behind `flushedLsn`, where a reader or a poll saw one; null when none is known. */
  readonly oldestUnflushedCommitAt: Date | null;
  /** The last commit that is durable with us; null when none was seen. */
  readonly lastFlushedCommit: WindowCommit | null;
  /** When flushed and server's positions were last seen to be the same; null when never. */
  readonly lastCaughtUpAt: Date | null;
  readonly now: Date;
}

/**
 * How much would be lost if the server were lost now.
 *
 * - `zero`: everything the server wrote is durable with us, however long ago that was, and it still tells us so.
 * - `behind`: `ageMs` is the age of the oldest commit that is not durable yet. When none was seen behind the durable
 *   position (there may be none), it is younger than the last durable commit and than the last moment we had everything, so
 *   `ageMs` is a bound from above.
 *   `bytes` is null when the server has not told since how far it wrote.
 * - `unknown`: nothing tells.
 */
export type Rpo =
  | { readonly kind: "zero" }
  | {
      readonly kind: "behind";
      readonly ageMs: number;
      readonly bytes: bigint | null;
      readonly certainty: "exact" | "at-most";
    }
  | { readonly kind: "unknown"; readonly reason: string };

/** What would be lost if the server were lost now. Never a negative age: clocks differ. */
export function rpo(facts: RpoFacts): Rpo {
  const { serverLsn, flushedLsn } = facts;
  if (flushedLsn === null) return { kind: "unknown", reason: "no WAL of it is durable yet" };
  if (serverLsn === null) return { kind: "unknown", reason: "the server's position is not known" };
  const untoldSince = facts.untoldSince ?? null;
  if (flushedLsn >= serverLsn && untoldSince === null) return { kind: "zero" };
  const bytes = flushedLsn >= serverLsn ? null : serverLsn - flushedLsn;
  const age = (since: Date) => Math.max(0, facts.now.getTime() - since.getTime());
  if (facts.oldestUnflushedCommitAt !== null) {
    return { kind: "behind", ageMs: age(facts.oldestUnflushedCommitAt), bytes, certainty: "exact" };
  }
  const everythingWasHere = bytes === null ? untoldSince : null;
  const bounds = [facts.lastCaughtUpAt, facts.lastFlushedCommit?.at ?? null, everythingWasHere].filter(
    (at) => at !== null,
  );
  if (bounds.length === 0) return { kind: "unknown", reason: "no commit was seen yet" };
  return { kind: "behind", ageMs: Math.min(...bounds.map(age)), bytes, certainty: "at-most" };
}
