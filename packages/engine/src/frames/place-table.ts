import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { newId } from "@tidemark/kit";
import type { ExtentRows } from "@tidemark/repository";
import { frameOf, packOf, placeWords, writePlace } from "./place-words.ts";

/** How many places lie in each pack; the first of the two times a manifest is read. */
export class PlaceCounts {
  readonly #counts = new Map<string, number>();
  total = 0;

  add(extents: ExtentRows): void {
    for (let index = 0; index < extents.count; index++) {
      if (!extents.isZeros(index)) this.addOne(extents.packIdOf(index));
    }
  }

  addOne(packId: string): void {
    this.#counts.set(packId, (this.#counts.get(packId) ?? 0) + 1);
    this.total++;
  }

  /** Packs in the order in which the manifest first names them, with their counts. */
  get packs(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

/** The places of one pack, in the order of its frames; within a frame in the order of the manifest. */
export interface PackPlaces {
  readonly packId: string;
  /** Ascending. */
  readonly frameIndexes: readonly number[];
  /** The places of one frame: a range of `words`. */
  range(frameIndex: number): { readonly from: number; readonly to: number };
  readonly words: Uint32Array;
}

export interface PlaceTableOptions {
  readonly counts: PlaceCounts;
  /** Where places go that are too many for memory: a file that has no name any more once it is open. */
  readonly spoolFolder: string;
  /** For tests; see `defaultPlacesPerBatch`. */
  readonly placesPerBatch?: number;
}

/**
 * All places of a backup, sorted by pack and frame, in bounded memory: what does not fit goes through a spool file,
 * written once and read once, in batches of whole packs. Fill it with `add` in the manifest's order, then go through `packs`.
 */
export class PlaceTable {
  readonly #batches: Batch[] = [];
  readonly #packNumbers = new Map<string, number>();
  readonly #batchOf: Batch[] = [];
  #spool: FileHandle | null = null;

  private constructor(options: PlaceTableOptions) {
    const limit = options.placesPerBatch ?? defaultPlacesPerBatch;
    for (const [packId, count] of options.counts.packs) {
      const last = this.#batches.at(-1);
      const batch = last !== undefined && last.places + count <= limit ? last : new Batch(this.#batches.length);
      if (batch !== last) this.#batches.push(batch);
      batch.addPack(packId, this.#packNumbers.size, count);
      this.#packNumbers.set(packId, this.#packNumbers.size);
      this.#batchOf.push(batch);
    }
  }

  static async open(options: PlaceTableOptions): Promise<PlaceTable> {
    const table = new PlaceTable(options);
    if (table.#batches.length > 1) {
      const path = join(options.spoolFolder, `.tidemark-places-${newId("run")}`);
      table.#spool = await open(path, "wx+", 0o600);
      // Nameless from now on: whatever dies, nothing is left behind.
      await rm(path);
      let at = 0;
      for (const batch of table.#batches) at = batch.reserve(at);
    } else {
      table.#batches[0]?.hold();
    }
    return table;
  }

  /**
   * The wanted runs of one file; `isWanted` is asked with the number of the extent within the file. Gives how many bytes they
   * have.
   */
  async add(fileIndex: number, extents: ExtentRows, isWanted?: (index: number) => boolean): Promise<number> {
    let wantedBytes = 0;
    for (let index = 0; index < extents.count; index++) {
      if (extents.isZeros(index) || isWanted?.(index) === false) continue;
      const pack = this.#packNumbers.get(extents.packIdOf(index));
      const batch = pack === undefined ? undefined : this.#batchOf[pack];
      if (pack === undefined || batch === undefined)
        throw new RangeError("a place lies in a pack that was not counted");
      const fileOffset = extents.beginOf(index);
      const lengthBytes = extents.endOf(index) - fileOffset;
      const [offsetInFrame, crc32c] = [extents.offsetInFrameOf(index), extents.crcOf(index)];
      batch.add(pack, extents.frameIndexOf(index), { fileIndex, fileOffset, offsetInFrame, lengthBytes, crc32c });
      wantedBytes += lengthBytes;
      if (batch.isFull && this.#spool !== null) await batch.flush(this.#spool);
    }
    return wantedBytes;
  }

  /** Pack after pack; a pack's places may be used as long as one likes. */
  async *packs(): AsyncGenerator<PackPlaces> {
    for (const batch of this.#batches) {
      if (this.#spool !== null) {
        await batch.flush(this.#spool);
        await batch.load(this.#spool);
      }
      yield* batch.packs();
      batch.drop();
    }
  }

  async close(): Promise<void> {
    const spool = this.#spool;
    this.#spool = null;
    await spool?.close();
  }
}

interface PackRegion {
  readonly packId: string;
  /** In places, from the beginning of the batch. */
  readonly from: number;
  readonly count: number;
  filled: number;
}

/** Some packs whose places fit into memory together. */
class Batch {
  places = 0;
  readonly #regions = new Map<number, PackRegion>();
  /** Sorted by pack; null while it is spooled. */
  #words: Uint32Array | null = null;
  #buffer: Uint32Array | null = null;
  #buffered = 0;
  #spoolAt = 0;
  #spoolEnd = 0;
  readonly number: number;

  constructor(number: number) {
    this.number = number;
  }

  addPack(packId: string, number: number, count: number): void {
    this.#regions.set(number, { packId, from: this.places, count, filled: 0 });
    this.places += count;
  }

  hold(): void {
    this.#words = new Uint32Array(this.places * placeWords);
  }

  /** Takes its part of the spool; gives where the next begins. */
  reserve(at: number): number {
    this.#spoolAt = at;
    this.#spoolEnd = at;
    this.#buffer = new Uint32Array(bufferedPlaces * placeWords);
    return at + this.places * placeWords * 4;
  }

  get isFull(): boolean {
    return this.#buffered === bufferedPlaces;
  }

  add(pack: number, frameIndex: number, place: Parameters<typeof writePlace>[4]): void {
    if (this.#words === null) {
      if (this.#buffer === null) throw new RangeError("places are added after they were read");
      writePlace(this.#buffer, this.#buffered++ * placeWords, pack, frameIndex, place);
      return;
    }
    writePlace(this.#words, this.#take(pack) * placeWords, pack, frameIndex, place);
  }

  async flush(spool: FileHandle): Promise<void> {
    if (this.#buffer === null || this.#buffered === 0) return;
    const bytes = new Uint8Array(this.#buffer.buffer, 0, this.#buffered * placeWords * 4);
    await writeAll(spool, bytes, this.#spoolEnd);
    this.#spoolEnd += bytes.length;
    this.#buffered = 0;
  }

  async load(spool: FileHandle): Promise<void> {
    this.hold();
    const buffer = this.#buffer ?? new Uint32Array(bufferedPlaces * placeWords);
    for (let at = this.#spoolAt; at < this.#spoolEnd; ) {
      const bytes = new Uint8Array(buffer.buffer, 0, Math.min(buffer.byteLength, this.#spoolEnd - at));
      await readAll(spool, bytes, at);
      at += bytes.length;
      this.#scatter(buffer.subarray(0, bytes.length / 4));
    }
    this.#buffer = null;
  }

  drop(): void {
    this.#words = null;
    this.#buffer = null;
  }

  *packs(): Generator<PackPlaces> {
    const words = this.#words ?? new Uint32Array(0);
    for (const { packId, from, filled } of inTwoHalves([...this.#regions.values()])) {
      if (filled > 0) yield sortByFrame(packId, words.subarray(from * placeWords, (from + filled) * placeWords));
    }
  }

  #scatter(records: Uint32Array): void {
    const words = this.#words as Uint32Array;
    for (let at = 0; at < records.length; at += placeWords) {
      words.set(records.subarray(at, at + placeWords), this.#take(packOf(records, at)) * placeWords);
    }
  }

  /** The next free place of a pack's region. */
  #take(pack: number): number {
    const region = this.#regions.get(pack);
    if (region === undefined || region.filled >= region.count)
      throw new RangeError("a pack has more places than counted");
    return region.from + region.filled++;
  }
}

/**
 * The first, the first of the second half, the second, …: neighbours go into the same file, where two who write wait for each
 * other.
 */
function inTwoHalves<Item>(items: readonly Item[]): Item[] {
  const half = Math.ceil(items.length / 2);
  return items.slice(0, half).flatMap((item, index) => [item, ...items.slice(half + index, half + index + 1)]);
}

/** A stable counting sort: the order of the manifest stays within a frame. */
function sortByFrame(packId: string, words: Uint32Array): PackPlaces {
  const count = words.length / placeWords;
  let highest = 0;
  for (let at = 0; at < words.length; at += placeWords) highest = Math.max(highest, frameOf(words, at));
  const starts = new Uint32Array(highest + 2);
  for (let at = 0; at < words.length; at += placeWords) {
    const slot = frameOf(words, at) + 1;
    starts[slot] = (starts[slot] as number) + 1;
  }
  const frameIndexes: number[] = [];
  for (let frame = 0; frame <= highest; frame++) {
    if (starts[frame + 1] !== 0) frameIndexes.push(frame);
    starts[frame + 1] = (starts[frame + 1] as number) + (starts[frame] as number);
  }
  const next = starts.slice();
  const sorted = new Uint32Array(count * placeWords);
  for (let at = 0; at < words.length; at += placeWords) {
    const frame = frameOf(words, at);
    sorted.set(words.subarray(at, at + placeWords), (next[frame] as number) * placeWords);
    next[frame] = (next[frame] as number) + 1;
  }
  const range = (frame: number) => ({ from: starts[frame] ?? count, to: starts[frame + 1] ?? count });
  return { packId, frameIndexes, range, words: sorted };
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

async function readAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) throw new RangeError("the spool of places is shorter than what was written to it");
    done += bytesRead;
  }
}

/** 32 MiB of places at a time: about 125 GiB of whole frames, 8 GiB of single pages. */
const defaultPlacesPerBatch = 1024 * 1024;
/** 64 KiB for each batch. */
const bufferedPlaces = 2048;
