import { AppError } from "@tidemark/kit";
import type { RepositoryContext } from "../repository-context.ts";
import { AssembledSegment, addPiece } from "./partial-segment.ts";
import { storedKeys } from "./put-once.ts";
import { readSegment } from "./read-segment.ts";
import type { WalContradiction, WalSegmentPlace } from "./wal-archive.ts";
import { lsnText, segmentName, type WalPaths } from "./wal-names.ts";

/** A segment that is stored, under a name for which several may be (`putOnce`). */
export interface ComparedSegment {
  readonly place: WalSegmentPlace;
  readonly key: string;
  readonly kind: "whole" | "ended";
}

/** Pieces of a segment that may go once it is stored: not the end of its timeline, nor a file that an archiver gave. */
export async function piecesBeside(
  context: RepositoryContext,
  paths: WalPaths,
  place: WalSegmentPlace,
): Promise<readonly { readonly key: string; readonly piece: string }[]> {
  const folder = paths.pieces(place.timeline, segmentName(place));
  const pieces: { readonly key: string; readonly piece: string }[] = [];
  for await (const { key } of context.store.list(folder)) {
    const piece = key.slice(folder.length);
    if (!/^(ended-|archived)/.test(piece)) pieces.push({ key, piece });
  }
  return pieces;
}

/** Where pieces of a stored segment say something else than it does; null: nowhere. */
export async function contradictionOf(
  context: RepositoryContext,
  paths: WalPaths,
  { place, key, kind }: ComparedSegment,
  keys: readonly string[],
): Promise<WalContradiction | null> {
  const name = segmentName(place);
  const assembled = new AssembledSegment(name);
  const differsAt = (offset: number, what: string) => {
    const lsn = place.startLsn + BigInt(offset);
    return { lsn, sentence: `${what} at ${lsnText(lsn)}`, pieces: keys.length };
  };
  try {
    for (const piece of keys) await addPiece(context, paths, piece, assembled);
    const [stored] = await storedKeys(context, key);
    if (stored === undefined) return { lsn: null, sentence: "the segment itself is gone", pieces: keys.length };
    let at = 0;
    for await (const block of readSegment(context, { key: stored, name: paths.object(name), kind, lends: true })) {
      const offset = assembled.difference(at, block);
      if (offset !== null) return differsAt(offset, "what was kept of it by another writer differs");
      at += block.length;
    }
    // What somebody kept beyond the end of the timeline is not this one's.
    return assembled.end <= at ? null : differsAt(at, "another writer kept more of it than there is");
  } catch (error) {
    // Pieces that cannot be read, or that differ among themselves, are left for a person to look at.
    if (!(error instanceof AppError) || !unreadableCodes.has(error.code)) throw error;
    return { lsn: null, sentence: error.message, pieces: keys.length };
  }
}

/** A host's key may not open what others kept. */
const unreadableCodes: ReadonlySet<string> = new Set(["wal-conflict", "wal-damaged", "wal-key-missing"]);
