import type { FrameSource, StoredFrame } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { PackPlaces } from "./place-table.ts";
import { placeWords } from "./place-words.ts";

/** Some stored frames that were fetched together, with every place their bytes go to. Structured-cloneable. */
export interface FrameBatch {
  readonly packId: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly frames: readonly (StoredFrame & { readonly placeCount: number })[];
  /** The places of all frames, frame after frame (`readPlace`). */
  readonly places: Uint32Array<ArrayBuffer>;
}

/** Frames that could not be fetched: damage, known by its places. */
export interface LostFrames {
  readonly packId: string;
  readonly frameIndexes: readonly number[];
  readonly code: "pack-missing" | "pack-damaged";
  readonly reason: string;
  readonly places: PackPlaces;
}

export interface FrameTour {
  readonly frames: FrameSource;
  /** The packs to visit (`PlaceTable.packs`). */
  readonly packs: AsyncGenerator<PackPlaces>;
  /** Every frame of each pack, not only those that have places. */
  readonly wholePacks: boolean;
  readonly signal: AbortSignal;
  /** How many packs are read at the same time. */
  readonly packsInFlight: number;
}

export interface FrameVisitor {
  /** Waited for before more of the same pack is fetched: what bounds memory is that it waits for a free thread. */
  visit(batch: FrameBatch): Promise<void>;
  lost(frames: LostFrames): Promise<void>;
  /** All of a pack was handed over. */
  ended?(packId: string): void;
}

/**
 * Fetches every frame a backup needs, each once, pack after pack, in coalesced ranges, and hands them over as they are
 * stored. Damage is handed over, too; what could not be asked is thrown. The first failure stops the other readers, and
 * all have ended when it is thrown.
 */
export async function tourFrames(tour: FrameTour, visitor: FrameVisitor): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([tour.signal, stop.signal]);
  const queue = tour.packs;
  let first: { readonly error: unknown } | null = null;
  const readPacks = async () => {
    try {
      // Not for await: the end of one reader must not end the generator for the others.
      for (let next = await queue.next(); next.done !== true; next = await queue.next()) {
        await visitPack({ ...tour, signal }, next.value, visitor);
      }
    } catch (error) {
      first ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: tour.packsInFlight }, readPacks));
  if (first !== null) throw (first as { readonly error: unknown }).error;
}

async function visitPack(tour: FrameTour, places: PackPlaces, visitor: FrameVisitor): Promise<void> {
  const { packId, frameIndexes } = places;
  for await (const range of tour.frames.readStored(packId, tour.wholePacks ? null : frameIndexes, tour.signal)) {
    throwIfCancelled(tour.signal);
    if (range.kind === "damaged") {
      const { code, reason } = range;
      await visitor.lost({ packId, frameIndexes: range.frameIndexes, code, reason, places });
      continue;
    }
    await visitor.visit(batchOf(packId, range.bytes, range.frames, places));
  }
  visitor.ended?.(packId);
}

function batchOf(
  packId: string,
  bytes: Uint8Array<ArrayBuffer>,
  stored: readonly StoredFrame[],
  places: PackPlaces,
): FrameBatch {
  const frames = stored.map((frame) => {
    const { from, to } = places.range(frame.frameIndex);
    return { ...frame, placeCount: to - from };
  });
  const words = new Uint32Array(frames.reduce((sum, { placeCount }) => sum + placeCount, 0) * placeWords);
  let at = 0;
  for (const { frameIndex } of stored) {
    const { from, to } = places.range(frameIndex);
    words.set(places.words.subarray(from * placeWords, to * placeWords), at);
    at += (to - from) * placeWords;
  }
  return { packId, bytes, frames, places: words };
}
