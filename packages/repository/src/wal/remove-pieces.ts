import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import { AssembledSegment, addPiece } from "./partial-segment.ts";
import { storedKeys } from "./put-once.ts";
import { readSegment } from "./read-segment.ts";
import type { WalSegmentPlace } from "./wal-archive.ts";
import { segmentName, type WalPaths } from "./wal-names.ts";

/** What pieces have come into: the whole segment, or what there is of it where its timeline ended. */
export interface MergedSegment {
  readonly place: WalSegmentPlace;
  /** Of the names of the writer's own pieces. */
  readonly suffix: string;
  /** For which it was stored (`putOnce`). */
  readonly key: string;
  readonly kind: "whole" | "ended";
}

/**
 * Removes the pieces of a segment that is stored. Those of other writers (a worker that died, or that was taken for dead)
 * go only when they say the same: where they differ they stay, as evidence, until the segment is removed.
 */
export async function removePieces(context: RepositoryContext, paths: WalPaths, segment: MergedSegment): Promise<void> {
  const { timeline } = segment.place;
  const name = segmentName(segment.place);
  const folder = paths.pieces(timeline, name);
  const own: string[] = [];
  const others: string[] = [];
  for await (const { key } of context.store.list(folder)) {
    const piece = key.slice(folder.length);
    if (/^(ended-|archived)/.test(piece)) continue;
    (piece.includes(segment.suffix) ? own : others).push(key);
  }
  const removable = others.length > 0 && (await agree(context, paths, segment, others)) ? [...own, ...others] : own;
  for (const key of removable) {
    await context.step("wal:before-piece-remove");
    await context.store.delete(key);
  }
}

async function agree(
  context: RepositoryContext,
  paths: WalPaths,
  { place, key, kind }: MergedSegment,
  keys: readonly string[],
): Promise<boolean> {
  const name = segmentName(place);
  const assembled = new AssembledSegment(name);
  try {
    for (const piece of keys) await addPiece(context, paths, piece, assembled);
    const [stored] = await storedKeys(context, key);
    if (stored === undefined) return false;
    let at = 0;
    for await (const block of readSegment(context, { key: stored, name: paths.object(name), kind, lends: true })) {
      if (assembled.difference(at, block) !== null) return false;
      at += block.length;
    }
    // What somebody kept beyond the end of the timeline is not this one's.
    return assembled.end <= at;
  } catch (error) {
    // Pieces that cannot be read, or that differ among themselves, are left for a person to look at.
    if (error instanceof AppError && (error.code === "wal-conflict" || error.code === "wal-damaged")) return false;
    throw error;
  }
}
