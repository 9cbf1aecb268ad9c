import { AppError } from "@tidemark/kit";
import { type FrameSource, type ManifestReader, type OpenedFrame, releaseBytes } from "@tidemark/repository";
import { throwIfCancelled } from "../act.ts";

/** Where a piece of a frame belongs. */
export interface PlacedRun {
  /** Counts the manifest's files from 0, in its order. */
  readonly fileIndex: number;
  readonly path: Uint8Array;
  readonly fileOffset: bigint;
  readonly lengthBytes: number;
  readonly offsetInFrame: number;
  readonly crc32c: number;
}

/** One frame with every place its bytes go to. */
export interface FrameVisit {
  readonly packId: string;
  readonly opened: OpenedFrame;
  readonly runs: readonly PlacedRun[];
}

export interface FrameTour {
  readonly manifest: ManifestReader;
  readonly frames: FrameSource;
  readonly signal: AbortSignal;
  /** How many packs are read at the same time. */
  readonly packsInFlight: number;
  /** For tests; see `defaultRunsPerBatch`. */
  readonly runsPerBatch?: number;
}

/**
 * Visits every frame a backup needs, each once, pack after pack, with all its places. A visit is awaited before the
 * next frame of that pack, so memory is bounded by the packs in flight; its bytes are gone when the visit ends.
 *
 * The places are too many to hold for a large cluster (8 million for 1 TiB): packs are taken in batches of about
 * 400,000 places (some 50 GiB), and the manifest is read once per batch.
 *
 * A pack that is missing or unreadable gives `damaged` frames, not an error; what could not be asked is thrown.
 */
export async function visitFrames(tour: FrameTour, visit: Visit): Promise<void> {
  const limit = tour.runsPerBatch ?? defaultRunsPerBatch;
  for (const packIds of batchPacks(await countRuns(tour), limit)) {
    const places = await collectPlaces(tour, new Set(packIds));
    await visitBatch(tour, packIds, places, visit);
  }
}

type Visit = (visit: FrameVisit) => Promise<void>;

/** The first failure stops the other readers, and all have ended when it is thrown. */
async function visitBatch(
  tour: FrameTour,
  packIds: readonly string[],
  places: ReadonlyMap<string, PackPlaces>,
  visit: Visit,
) {
  const stop = new AbortController();
  const signal = AbortSignal.any([tour.signal, stop.signal]);
  const queue = packIds.values();
  let first: { readonly error: unknown } | null = null;
  const readPacks = async () => {
    try {
      for (const packId of queue) await visitPack({ ...tour, signal }, packId, places.get(packId) ?? new Map(), visit);
    } catch (error) {
      first ??= { error };
      stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: tour.packsInFlight }, readPacks));
  if (first !== null) throw (first as { readonly error: unknown }).error;
}

type PackPlaces = Map<number, PlacedRun[]>;

async function visitPack(tour: FrameTour, packId: string, places: PackPlaces, visit: Visit) {
  const waiting = new Map(places);
  const indexes = [...places.keys()].sort((left, right) => left - right);
  try {
    for await (const opened of tour.frames.readFrames(packId, indexes, tour.signal)) {
      throwIfCancelled(tour.signal);
      const runs = waiting.get(opened.frameIndex) ?? [];
      waiting.delete(opened.frameIndex);
      await visit({ packId, opened, runs });
      if (opened.kind === "plain") releaseBytes(opened.plain);
    }
  } catch (error) {
    if (!(error instanceof AppError && damageCodes.has(error.code))) throw error;
    for (const [frameIndex, runs] of waiting) {
      await visit({ packId, opened: { kind: "damaged", frameIndex, code: error.code, reason: error.message }, runs });
    }
    return;
  }
  for (const [frameIndex, runs] of waiting) {
    await visit({
      packId,
      opened: {
        kind: "damaged",
        frameIndex,
        code: "pack-damaged",
        reason: `pack ${packId} does not hold frame ${frameIndex}`,
      },
      runs,
    });
  }
}

/** Places per pack, in the order in which the manifest first names the packs. */
async function countRuns(tour: FrameTour): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const entry of tour.manifest.entries()) {
    throwIfCancelled(tour.signal);
    if (entry.kind !== "file") continue;
    for (const extent of entry.extents) {
      if (extent.kind === "frame") counts.set(extent.packId, (counts.get(extent.packId) ?? 0) + 1);
    }
  }
  return counts;
}

function* batchPacks(counts: ReadonlyMap<string, number>, limit: number): Generator<readonly string[]> {
  let batch: string[] = [];
  let size = 0;
  for (const [packId, count] of counts) {
    if (batch.length > 0 && size + count > limit) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(packId);
    size += count;
  }
  if (batch.length > 0) yield batch;
}

async function collectPlaces(tour: FrameTour, wanted: ReadonlySet<string>): Promise<Map<string, PackPlaces>> {
  const places = new Map<string, PackPlaces>();
  let fileIndex = -1;
  for await (const entry of tour.manifest.entries()) {
    throwIfCancelled(tour.signal);
    if (entry.kind !== "file") continue;
    fileIndex++;
    for (const extent of entry.extents) {
      if (extent.kind !== "frame" || !wanted.has(extent.packId)) continue;
      const frames = places.get(extent.packId) ?? new Map<number, PlacedRun[]>();
      places.set(extent.packId, frames);
      const runs = frames.get(extent.frameIndex) ?? [];
      frames.set(extent.frameIndex, runs);
      runs.push({
        fileIndex,
        path: entry.path,
        fileOffset: extent.fileOffset,
        lengthBytes: extent.lengthBytes,
        offsetInFrame: extent.offsetInFrame,
        crc32c: extent.crc32c,
      });
    }
  }
  return places;
}

const damageCodes: ReadonlySet<string> = new Set(["pack-missing", "pack-damaged", "object-missing", "object-damaged"]);
/** About 60 MiB of places. */
const defaultRunsPerBatch = 400_000;
