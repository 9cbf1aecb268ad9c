import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import { AssembledSegment, addPiece } from "./partial-segment.ts";
import { readSegment } from "./read-segment.ts";
import type { WalSegmentPlace } from "./wal-archive.ts";
import { segmentName, type WalPaths } from "./wal-names.ts";

/**
 * Removes the pieces of a segment that is stored whole. Those of other writers (a worker that died, or that was taken for dead)
 * go only when they say the same: where they differ they stay, as evidence, until the segment is removed.
 */
export async function removePieces(
  context: RepositoryContext,
  paths: WalPaths,
  segment: { readonly place: WalSegmentPlace; readonly suffix: string },
): Promise<void> {
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
  const removable =
    others.length > 0 && (await agree(context, paths, segment.place, others)) ? [...own, ...others] : own;
  for (const key of removable) {
    await context.step("wal:before-piece-remove");
    await context.store.delete(key);
  }
}

async function agree(
  context: RepositoryContext,
  paths: WalPaths,
  place: WalSegmentPlace,
  keys: readonly string[],
): Promise<boolean> {
  const name = segmentName(place);
  const assembled = new AssembledSegment(name);
  try {
    for (const key of keys) await addPiece(context, paths, key, assembled);
    const key = paths.object(name);
    const stored = (await context.store.stat(key)) === null ? await firstBelow(context, key) : key;
    if (stored === null) return false;
    let at = 0;
    for await (const block of readSegment(context, { key: stored, name: key, kind: "whole" })) {
      if (assembled.difference(at, block) !== null) return false;
      at += block.length;
    }
    return true;
  } catch (error) {
    // Pieces that cannot be read, or that differ among themselves, are left for a person to look at.
    if (error instanceof AppError && (error.code === "wal-conflict" || error.code === "wal-damaged")) return false;
    throw error;
  }
}

async function firstBelow(context: RepositoryContext, key: string): Promise<string | null> {
  for await (const found of context.store.list(`${key}/`)) return found.key;
  return null;
}
