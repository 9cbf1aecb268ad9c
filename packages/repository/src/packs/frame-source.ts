import { AppError } from "@tidemark/kit";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { packKey } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { getRange } from "../seal/object-trailer.ts";
import type { FrameSource, LocatedRange, OpenedFrame, PackDescription, StoredFrame, StoredRange } from "../types.ts";
import { type DirectoryEntry, type PackDirectory, readDirectory } from "./pack-directory.ts";

/** Gaps up to this are read over rather than skipped with a request of its own. */
const gapBytes = 64 * 1024;
/** Most bytes fetched at once. */
const rangeBytes = 4 * 1024 * 1024;
/**
 * Of a file of this machine, of plain bytes as well: what goes to a thread with one message. Each wakes two threads; a range
 * that is much longer leaves one thread at work alone at the end.
 */
const fileRangeBytes = 8 * 1024 * 1024;
const keptDirectories = 32;

/** Reads frames of one server's packs. Memory: two ranges and a few opened frames at a time, and some directories. */
export class PackFrameSource implements FrameSource {
  readonly #context: RepositoryContext;
  readonly #serverId: string;
  readonly #directories = new Map<string, PackDirectory>();

  constructor(context: RepositoryContext, serverId: string) {
    this.#context = context;
    this.#serverId = serverId;
  }

  async *readFrames(
    packId: string,
    frameIndexes: readonly number[],
    signal?: AbortSignal,
  ): AsyncGenerator<OpenedFrame, void, undefined> {
    const wanted = [...new Set(frameIndexes)].sort((a, b) => a - b);
    const directory = await this.#directory(packId, signal);
    if ("reason" in directory) {
      for (const frameIndex of wanted) yield { kind: "damaged", frameIndex, ...directory };
      return;
    }
    const places: FramePlace[] = [];
    for (const frameIndex of wanted) {
      const entry = directory.entry(frameIndex);
      if (entry !== undefined) places.push({ frameIndex, entry });
      else
        yield {
          kind: "damaged",
          frameIndex,
          code: "pack-damaged",
          reason: `pack ${packId} has no frame ${frameIndex}`,
        };
    }
    yield* this.#readRanges(packId, directory, planRanges(places, rangeBytes), signal);
  }

  async *readStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredRange, void, undefined> {
    const wanted = await this.#wanted(packId, frameIndexes, signal);
    if (wanted.damaged !== null) yield wanted.damaged;
    if (wanted.directory === null) return;
    const { parts: seals } = wanted.directory.seal;
    for await (const { range, fetched } of this.#fetchRanges(packId, planRanges(wanted.places, rangeBytes), signal)) {
      const frames = storedFrames(range);
      if ("bytes" in fetched) yield { kind: "stored", bytes: ownBytes(fetched.bytes), seals, frames };
      else {
        const frameIndexes = frames.map(({ frameIndex }) => frameIndex);
        yield { kind: "damaged", frameIndexes, ...asDamage(fetched.error, packId) };
      }
    }
  }

  async *locateStored(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal?: AbortSignal,
  ): AsyncGenerator<StoredRange | LocatedRange, void, undefined> {
    const path = this.#context.store.fileOf?.(packKey(this.#serverId, packId)) ?? null;
    if (path === null) return yield* this.readStored(packId, frameIndexes, signal);
    const wanted = await this.#wanted(packId, frameIndexes, signal);
    if (wanted.damaged !== null) yield wanted.damaged;
    if (wanted.directory === null) return;
    const { parts: seals } = wanted.directory.seal;
    for (const range of planRanges(wanted.places, fileRangeBytes, fileRangeBytes)) {
      const file = { path, offset: range.offset, lengthBytes: range.length };
      yield { kind: "located", file, seals, frames: storedFrames(range) };
    }
  }

  /** Where the wanted frames lie, and those that the pack does not have, as damage. */
  async #wanted(
    packId: string,
    frameIndexes: readonly number[] | null,
    signal: AbortSignal | undefined,
  ): Promise<WantedFrames> {
    const directory = await this.#directory(packId, signal);
    if ("reason" in directory) {
      const damaged = { kind: "damaged" as const, frameIndexes: frameIndexes ?? [], ...directory };
      return { directory: null, places: [], damaged };
    }
    const indexes =
      frameIndexes === null
        ? Array.from({ length: directory.frameCount }, (_, index) => index)
        : [...new Set(frameIndexes)].sort((a, b) => a - b);
    const places: FramePlace[] = [];
    const unknown: number[] = [];
    for (const frameIndex of indexes) {
      const entry = directory.entry(frameIndex);
      if (entry === undefined) unknown.push(frameIndex);
      else places.push({ frameIndex, entry });
    }
    if (unknown.length === 0) return { directory, places, damaged: null };
    const reason = `pack ${packId} has no frame ${unknown[0]}`;
    return { directory, places, damaged: { kind: "damaged", frameIndexes: unknown, code: "pack-damaged", reason } };
  }

  async describePack(packId: string, signal?: AbortSignal): Promise<PackDescription> {
    const directory = await this.#directory(packId, signal);
    if ("reason" in directory) return { kind: "damaged", ...directory };
    const count = directory.frameCount;
    const description = {
      kind: "known" as const,
      plainBytes: new Uint32Array(count),
      crc32c: new Uint32Array(count),
      storedBytes: new Uint32Array(count),
    };
    for (let index = 0; index < count; index++) {
      const entry = directory.entry(index);
      if (entry === undefined) continue;
      description.plainBytes[index] = entry.plainBytes;
      description.crc32c[index] = entry.crc32c;
      description.storedBytes[index] = entry.storedBytes;
    }
    return description;
  }

  /** The next range is fetched while this one is worked on. */
  async *#fetchRanges(
    packId: string,
    ranges: readonly FrameRange[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<{ readonly range: FrameRange; readonly fetched: Fetched }, void, undefined> {
    let next = this.#startFetch(packId, ranges[0], signal);
    for (const [index, range] of ranges.entries()) {
      const fetched = await next;
      next = this.#startFetch(packId, ranges[index + 1], signal);
      yield { range, fetched };
    }
  }

  async *#readRanges(
    packId: string,
    directory: PackDirectory,
    ranges: readonly FrameRange[],
    signal: AbortSignal | undefined,
  ): AsyncGenerator<OpenedFrame, void, undefined> {
    for await (const { range, fetched } of this.#fetchRanges(packId, ranges, signal)) {
      if ("error" in fetched) {
        const damage = asDamage(fetched.error, packId);
        for (const { frameIndex } of range.frames) yield { kind: "damaged", frameIndex, ...damage };
      } else {
        yield* this.#openRange(packId, directory, range, fetched.bytes);
      }
    }
  }

  /** Failures are values, so that a range fetched ahead and never used does not fail unseen. */
  #startFetch(packId: string, range: FrameRange | undefined, signal: AbortSignal | undefined): Promise<Fetched> {
    if (range === undefined) return Promise.resolve({ bytes: new Uint8Array(0) });
    const key = packKey(this.#serverId, packId);
    return getRange(this.#context.store, key, range.offset, range.length, signal).then(
      (bytes) => ({ bytes }),
      (error: unknown) => ({ error }),
    );
  }

  async *#openRange(
    packId: string,
    directory: PackDirectory,
    range: FrameRange,
    bytes: Uint8Array,
  ): AsyncGenerator<OpenedFrame, void, undefined> {
    const opening: Promise<OpenedFrame>[] = [];
    for (const place of range.frames) {
      const from = place.entry.offset - range.offset;
      // A copy of its own, since its buffer is transferred to the thread that opens it.
      const opened = this.#open(packId, directory, place, bytes.slice(from, from + place.entry.storedBytes));
      // Whoever takes the frames may end at one before it: a thread that died is not to end the process as well.
      opened.catch(() => undefined);
      opening.push(opened);
      if (opening.length < this.#context.openers.pipelineDepth) continue;
      const first = opening.shift();
      if (first !== undefined) yield await first;
    }
    releaseBytes(bytes);
    for (const frame of opening) yield await frame;
  }

  async #open(packId: string, directory: PackDirectory, place: FramePlace, stored: Uint8Array): Promise<OpenedFrame> {
    const { frameIndex, entry } = place;
    const sealing = directory.seal.part("frame", entry.number);
    const { plainBytes, crc32c } = entry;
    const outcome = await this.#context.openers.open({ stored, sealing, plainBytes, crc32c });
    if (outcome.kind === "plain") return { kind: "plain", frameIndex, plain: outcome.plain, crc32c };
    const reason = `frame ${frameIndex} of pack ${packId} (bytes ${entry.offset} to ${entry.offset + entry.storedBytes}) is damaged: ${outcome.reason}`;
    return { kind: "damaged", frameIndex, code: "pack-damaged", reason };
  }

  async #directory(packId: string, signal: AbortSignal | undefined): Promise<PackDirectory | Damage> {
    const known = this.#directories.get(packId);
    if (known !== undefined) return known;
    let directory: PackDirectory;
    try {
      directory = await readDirectory(this.#context, packKey(this.#serverId, packId), signal);
    } catch (error) {
      return asDamage(error, packId);
    }
    this.#directories.set(packId, directory);
    const oldest = this.#directories.keys().next().value;
    if (this.#directories.size > keptDirectories && oldest !== undefined) this.#directories.delete(oldest);
    return directory;
  }
}

/** Bytes that may be handed to another thread: they share their buffer with nothing. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return isWhole ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}

interface Damage {
  readonly code: "pack-missing" | "pack-damaged";
  readonly reason: string;
}

type Fetched = { readonly bytes: Uint8Array } | { readonly error: unknown };

/** What is lost is reported; what could not be asked is thrown. */
function asDamage(error: unknown, packId: string): Damage {
  if (error instanceof AppError && error.code === "object-missing") {
    return { code: "pack-missing", reason: `pack ${packId} is missing` };
  }
  if (error instanceof AppError && error.code === "object-damaged") {
    return { code: "pack-damaged", reason: error.message };
  }
  throw error;
}

interface WantedFrames {
  /** Null when it could not be read. */
  readonly directory: PackDirectory | null;
  readonly places: readonly FramePlace[];
  readonly damaged: Extract<StoredRange, { kind: "damaged" }> | null;
}

interface FramePlace {
  readonly frameIndex: number;
  readonly entry: DirectoryEntry;
}

interface FrameRange {
  readonly offset: number;
  readonly length: number;
  readonly frames: readonly FramePlace[];
}

function storedFrames({ offset, frames }: FrameRange): StoredFrame[] {
  return frames.map(({ frameIndex, entry }) => ({
    frameIndex,
    at: entry.offset - offset,
    storedBytes: entry.storedBytes,
    number: entry.number,
    plainBytes: entry.plainBytes,
    crc32c: entry.crc32c,
  }));
}

/** Neighbouring frames are fetched together. */
function planRanges(
  places: readonly FramePlace[],
  mostBytes: number,
  mostPlainBytes: number = Number.POSITIVE_INFINITY,
): FrameRange[] {
  const ranges: { offset: number; length: number; plainBytes: number; frames: FramePlace[] }[] = [];
  for (const place of places) {
    const { offset, storedBytes, plainBytes } = place.entry;
    const last = ranges.at(-1);
    const end = last === undefined ? 0 : last.offset + last.length;
    const joins = last !== undefined && offset >= end && offset - end <= gapBytes;
    const fits = joins && last.plainBytes + plainBytes <= mostPlainBytes;
    if (fits && offset + storedBytes - last.offset <= mostBytes) {
      last.plainBytes += plainBytes;
      last.length = offset + storedBytes - last.offset;
      last.frames.push(place);
    } else {
      ranges.push({ offset, length: storedBytes, plainBytes, frames: [place] });
    }
  }
  return ranges;
}
