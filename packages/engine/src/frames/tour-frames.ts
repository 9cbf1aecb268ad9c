import type { FileRange, FrameSource, PartSeals, StoredFrame, StoredRange } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";
import type { PackPlaces } from "./place-table.ts";
import { placeWords } from "./place-words.ts";

/** Some stored frames that lie together, with every place their bytes go to. Structured-cloneable. */
export interface FrameBatch {
  readonly packId: string;
  /** Their bytes, or the file where a thread reads them itself. */
  readonly stored: Uint8Array<ArrayBuffer> | FileRange;
  readonly seals: PartSeals;
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
  /**
   * Waited for before more of the same pack is fetched: what bounds memory is that it waits for a free thread. `reader`: the
   * number of the one that reads this pack; what one reads lies near each other, also in the files.
   */
  visit(batch: FrameBatch, reader?: number): Promise<void>;
  lost(frames: LostFrames): Promise<void>;
  /** All of a pack was handed over. */
  ended?(packId: string): void;
}

/**
 * Fetches every frame a backup needs, each once, pack after pack, in coalesced ranges, and hands them over as they are
 * stored; where the store's objects are files of this machine, it only says where, and the visitor's threads read. Damage is handed over, too; what could not be asked is thrown. The first failure stops the other readers, and
 * all have ended when it is thrown.
 */
export async function tourFrames(tour: FrameTour, visitor: FrameVisitor): Promise<void> {
  const stop = new AbortController();
  const signal = AbortSignal.any([tour.signal, stop.signal]);
  const queue = tour.packs;
  let first: { readonly error: unknown } | null = null;
  const readPacks = async (reader: number) => {
    try {
      // Not for await: the end of one reader must not end the generator for the others.
      for (let next = await queue.next(); next.done !== true; next = await queue.next()) {
        await visitPack({ ...tour, signal }, next.value, visitor, reader);
      }
    } catch (error) {
      first ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: tour.packsInFlight }, (_, reader) => readPacks(reader)));
  if (first !== null) throw (first as { readonly error: unknown }).error;
}

async function visitPack(tour: FrameTour, places: PackPlaces, visitor: FrameVisitor, reader: number): Promise<void> {
  const { packId, frameIndexes } = places;
  const wanted = tour.wholePacks ? null : frameIndexes;
  for await (const range of tour.frames.locateStored(packId, wanted, tour.signal)) {
    throwIfCancelled(tour.signal);
    if (range.kind === "located") await visitor.visit(batchOf(packId, range.file, range, places), reader);
    else await visitRange(packId, range, places, visitor, reader);
  }
  visitor.ended?.(packId);
}

/**
 * Hands over what a thread could not read itself: fetched through the store, which says what is wrong or has it from
 * elsewhere.
 */
export async function fetchBatch(
  { frames, signal }: Pick<FrameTour, "frames" | "signal">,
  { packId, frames: batched, places: words }: FrameBatch,
  visitor: FrameVisitor,
): Promise<void> {
  const ranges = new Map<number, { readonly from: number; readonly to: number }>();
  let from = 0;
  for (const { frameIndex, placeCount } of batched) {
    ranges.set(frameIndex, { from, to: from + placeCount });
    from += placeCount;
  }
  const frameIndexes = batched.map(({ frameIndex }) => frameIndex);
  const places = { packId, frameIndexes, words, range: (index: number) => ranges.get(index) ?? { from: 0, to: 0 } };
  for await (const range of frames.readStored(packId, frameIndexes, signal)) {
    throwIfCancelled(signal);
    await visitRange(packId, range, places, visitor);
  }
}

async function visitRange(
  packId: string,
  range: StoredRange,
  places: PackPlaces,
  visitor: FrameVisitor,
  reader?: number,
): Promise<void> {
  if (range.kind === "stored") return visitor.visit(batchOf(packId, range.bytes, range, places), reader);
  const { frameIndexes, code, reason } = range;
  await visitor.lost({ packId, frameIndexes, code, reason, places });
}

function batchOf(
  packId: string,
  stored: FrameBatch["stored"],
  { seals, frames: storedFrames }: { readonly seals: PartSeals; readonly frames: readonly StoredFrame[] },
  places: PackPlaces,
): FrameBatch {
  const frames = storedFrames.map((frame) => {
    const { from, to } = places.range(frame.frameIndex);
    return { ...frame, placeCount: to - from };
  });
  const words = new Uint32Array(frames.reduce((sum, { placeCount }) => sum + placeCount, 0) * placeWords);
  let at = 0;
  for (const { frameIndex } of storedFrames) {
    const { from, to } = places.range(frameIndex);
    words.set(places.words.subarray(from * placeWords, to * placeWords), at);
    at += (to - from) * placeWords;
  }
  return { packId, stored, seals, frames, places: words };
}
