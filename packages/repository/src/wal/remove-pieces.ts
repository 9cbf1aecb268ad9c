import type { RepositoryContext } from "../repository-context.ts";
import { type ComparedSegment, contradictionOf, piecesBeside } from "./piece-contradiction.ts";
import type { WalPaths } from "./wal-names.ts";

/** What pieces have come into: the whole segment, or what there is of it where its timeline ended. */
export interface MergedSegment extends ComparedSegment {
  /** Of the names of the writer's own pieces. */
  readonly suffix: string;
}

/**
 * Removes the pieces of a segment that is stored. Those of other writers (a worker that died, or that was taken for dead)
 * go only when they say the same: where they differ they stay, as evidence, until the segment is removed.
 */
export async function removePieces(context: RepositoryContext, paths: WalPaths, segment: MergedSegment): Promise<void> {
  const own: string[] = [];
  const others: string[] = [];
  for (const { key, piece } of await piecesBeside(context, paths, segment.place)) {
    (piece.includes(segment.suffix) ? own : others).push(key);
  }
  const agrees = others.length > 0 && (await contradictionOf(context, paths, segment, others)) === null;
  const removable = agrees ? [...own, ...others] : own;
  for (const key of removable) {
    await context.step("wal:before-piece-remove");
    await context.store.delete(key);
  }
}
