import { locateRelation, type RelationLimit, type RelationPlace } from "@tidemark/postgres";
import type { PageLayout } from "./page-inspection.ts";

/**
 * From which block on the parent's pages of a relation are not to be believed (limit blocks; docs of
 * `pg_wal_summary_contents`).
 *
 * A relation that was cut at block n and grew again has, from n on, only pages that WAL named after the cut, and pages of
 * zeros: since 16 a relation is extended by many pages at once, and those nobody used yet were never logged. The server
 * sends the first kind and says nothing of the second; the parent holds, at those places, what was cut away. Taking it
 * from there would bring back rows that the server does not have. So from the smallest limit of the interval on,
 * what was not sent is zeros. That is safe for what is alive, as long as the server sends all that was changed behind
 * the limit after the cut; where it may not, see `IncrementalPlan.cut` and `ReadLimits.doubtful`.
 */
export class LimitBlocks {
  readonly #smallest = new Map<string, number>();

  constructor(limits: readonly RelationLimit[]) {
    for (const limit of limits) {
      const key = relationKey(limit);
      this.#smallest.set(key, Math.min(limit.block, this.#smallest.get(key) ?? limit.block));
    }
  }

  get count(): number {
    return this.#smallest.size;
  }

  /** Whether this fork, of all its files, was cut at all. */
  has(place: RelationPlace): boolean {
    return this.#smallest.has(relationKey(place));
  }

  /**
   * The byte of this file from which on what is not sent is zeros; null when there is none. 0 where the whole file lies
   * behind the limit: such a file the server sends in full.
   */
  zerosFrom(path: string, { blockSize, blocksPerSegment }: PageLayout): bigint | null {
    const place = locateRelation(path);
    const limit = place === null ? undefined : this.#smallest.get(relationKey(place));
    if (place === null || limit === undefined) return null;
    const block = limit - place.segmentNumber * blocksPerSegment;
    if (block >= blocksPerSegment) return null;
    return BigInt(Math.max(0, block)) * BigInt(blockSize);
  }
}

function relationKey({ tablespaceOid, databaseOid, relfilenode, fork }: Omit<RelationLimit, "block">): string {
  return `${tablespaceOid}/${databaseOid}/${relfilenode}/${fork}`;
}
