import { AppError } from "@tidemark/kit";
import { CompressionPilot } from "../backup/compression-pilot.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { listWal, usualSegmentBytes, walTimelines } from "./list-wal.ts";
import { newestPartial, readPartial } from "./partial-segment.ts";
import { contradictionOf, piecesBeside } from "./piece-contradiction.ts";
import { storedKeys } from "./put-once.ts";
import { readSegment } from "./read-segment.ts";
import { removeSegments, removeTimeline } from "./remove-wal.ts";
import { readIndex } from "./segment-object.ts";
import { OpenSegmentWriter } from "./segment-writer.ts";
import type {
  BeginSegment,
  ListWal,
  PutSegmentOptions,
  ReadWal,
  RemoveWal,
  WalArchive,
  WalContradiction,
  WalEntry,
  WalPartial,
  WalRemoval,
  WalSegmentDescription,
  WalSegmentFacts,
  WalSegmentPlace,
} from "./wal-archive.ts";
import { asWalDamage, walConflict, walMissing } from "./wal-errors.ts";
import { putWalFile, readWalFile } from "./wal-file.ts";
import { assertPlace, requireWalName, segmentName, segmentStart, timelineName, WalPaths } from "./wal-names.ts";

/** System identifiers that have an area of WAL below this server, ascending. */
export async function walIdentifiers(context: RepositoryContext, serverId: string): Promise<readonly bigint[]> {
  const names = await context.store.listPrefixes(`${serverId}/`);
  const found = names.filter((name) => /^\d{1,20}$/.test(name)).map(BigInt);
  return found.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

export class OpenedWalArchive implements WalArchive {
  readonly systemIdentifier: bigint;
  readonly #context: RepositoryContext;
  readonly #paths: WalPaths;
  readonly #pilot: CompressionPilot;
  #segmentSizeBytes: number | null = null;

  constructor(context: RepositoryContext, serverId: string, systemIdentifier: bigint) {
    this.#context = context;
    this.systemIdentifier = systemIdentifier;
    this.#paths = new WalPaths(serverId, systemIdentifier);
    this.#pilot = new CompressionPilot(context.compression);
  }

  async beginSegment(place: WalSegmentPlace, options: BeginSegment): Promise<OpenSegmentWriter> {
    assertPlace(place);
    if (!/^[a-z0-9_-]{1,40}$/.test(options.writer)) {
      throw new AppError("bad-request", { message: `${JSON.stringify(options.writer)} cannot be a writer's name` });
    }
    return OpenSegmentWriter.begin(this.#context, {
      paths: this.#paths,
      place,
      writer: options.writer,
      signal: options.signal,
      compression: () => this.#pilot.compression,
      onWaits: ({ elapsedMs, sealMs, storeMs }) =>
        this.#pilot.observe({ elapsedMs, encoderWaitMs: sealMs, storeWaitMs: storeMs }),
    });
  }

  async putSegment(
    place: WalSegmentPlace,
    body: AsyncIterable<Uint8Array>,
    facts: WalSegmentFacts | null,
    options: PutSegmentOptions = {},
  ): Promise<"stored" | "same"> {
    const writer = await this.beginSegment(place, { ...options, writer: options.writer ?? "put" });
    try {
      for await (const chunk of body) {
        if (writer.endLsn + BigInt(chunk.length) > place.startLsn + BigInt(place.sizeBytes)) throw wrongLength(place);
        await writer.write(chunk);
      }
      if (writer.endLsn !== place.startLsn + BigInt(place.sizeBytes)) throw wrongLength(place);
      return await writer.finish(facts);
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  putHistory(timeline: number, content: Uint8Array): Promise<"stored" | "same"> {
    return this.#putFile(`${timelineName(timeline)}.history`, content);
  }

  async putFile(name: string, content: Uint8Array): Promise<"stored" | "same"> {
    const parsed = requireWalName(name);
    if (parsed.kind === "segment") {
      throw new AppError("bad-request", { message: `${name} is a segment: it is put as one`, context: { name } });
    }
    return parsed.kind === "partial"
      ? this.#putArchived(parsed.timeline, parsed.segment, content)
      : this.#putFile(name, content);
  }

  async #putFile(name: string, content: Uint8Array): Promise<"stored" | "same"> {
    requireWalName(name);
    return putWalFile(this.#context, { key: this.#paths.object(name), name, content });
  }

  /** It has a segment's length: that says where it is. */
  async #putArchived(timeline: number, segment: string, content: Uint8Array): Promise<"stored" | "same"> {
    const sizeBytes = content.length;
    const place = { timeline, startLsn: segmentStart(segment, sizeBytes), sizeBytes };
    assertPlace(place);
    const writer = await this.beginSegment(place, { writer: "put" });
    try {
      await writer.write(content);
      return await writer.finishArchived();
    } catch (error) {
      await writer.abandon();
      throw error;
    }
  }

  list(options: ListWal = {}): AsyncIterable<WalEntry> {
    return this.#list(options);
  }

  async *#list(options: ListWal): AsyncGenerator<WalEntry> {
    const known = options.segmentSizeBytes ?? this.#segmentSizeBytes;
    yield* listWal(this.#context, this.#paths, {
      ...options,
      ...(known === null ? {} : { segmentSizeBytes: known }),
      sizeOf: (key, segment) => this.#sizeOf(key, segment),
    });
  }

  /** Segments of one incarnation have one size (`pg_resetwal` may change it: then whoever lists says which). */
  async #sizeOf(key: string, segment: string): Promise<number> {
    const partial = key.includes("/partial/");
    try {
      const place = partial
        ? (await readPartial(this.#context, this.#paths, Number.parseInt(segment.slice(0, 8), 16), segment))?.place
        : (await readIndex(this.#context, key, this.#paths.object(segment)))?.place;
      if (place !== undefined) this.#segmentSizeBytes = place.sizeBytes;
    } catch (error) {
      // One that is damaged does not keep the others from being listed.
      if (!(error instanceof AppError) || !/^(object|wal)-/.test(error.code)) throw error;
    }
    return this.#segmentSizeBytes ?? usualSegmentBytes;
  }

  timelines(): Promise<readonly number[]> {
    return walTimelines(this.#context, this.#paths);
  }

  async describe(name: string): Promise<WalSegmentDescription | null> {
    const parsed = requireWalName(name);
    if (parsed.kind !== "segment") {
      throw new AppError("bad-request", { message: `${name} is no segment`, context: { name } });
    }
    const key = await this.#locate(name);
    if (key === null) return null;
    try {
      const index = await readIndex(this.#context, key, this.#paths.object(name));
      if (index === null) return null;
      const { place, storedBytes, plainHash, facts } = index;
      if (index.kind !== "whole" || segmentName(place) !== name) throw new RangeError("it is of another segment");
      return { place, storedBytes, plainHash, facts };
    } catch (error) {
      throw asWalDamage(key, error);
    }
  }

  read(name: string, options: ReadWal = {}): AsyncIterable<Uint8Array> {
    return this.#read(name, options);
  }

  async *#read(name: string, { signal, lends = false }: ReadWal): AsyncGenerator<Uint8Array> {
    const parsed = requireWalName(name);
    const key = await this.#locate(name);
    if (key === null) throw walMissing(name, this.#context.store.location);
    try {
      if (parsed.kind === "segment" || parsed.kind === "partial") {
        const kind = parsed.kind === "segment" ? "whole" : "archived";
        yield* readSegment(this.#context, { key, name: this.#paths.object(parsed.segment), kind, signal, lends });
        return;
      }
      const content = await readWalFile(this.#context, key, this.#paths.object(name));
      if (content === null) throw walMissing(name, this.#context.store.location);
      yield content;
    } catch (error) {
      const isGone = error instanceof AppError && error.code === "object-missing";
      throw isGone ? walMissing(name, this.#context.store.location) : error;
    }
  }

  async has(name: string): Promise<boolean> {
    return (await this.#locate(name)) !== null;
  }

  async settle(name: string): Promise<void> {
    const { store } = this.#context;
    if (store.settle === undefined) return;
    const parsed = requireWalName(name);
    if (parsed.kind === "partial") {
      const folder = this.#paths.pieces(parsed.timeline, parsed.segment);
      for await (const { key } of store.list(folder)) await store.settle(key);
      return;
    }
    for (const key of await storedKeys(this.#context, this.#paths.object(name))) await store.settle(key);
  }

  /** Where it is; null: nowhere. Throws `wal-conflict` when there are two that differ. */
  async #locate(name: string): Promise<string | null> {
    const key = this.#paths.object(name);
    if ((await this.#context.store.stat(key)) !== null) return key;
    const [first, ...others] = await storedKeys(this.#context, key);
    if (first === undefined) return null;
    for (const other of others) await this.#assertSame(name, first, other);
    return first;
  }

  async #assertSame(name: string, first: string, other: string): Promise<void> {
    const { kind } = requireWalName(name);
    const sealedFor = this.#paths.object(kind === "partial" ? name.slice(0, 24) : name);
    const hashOf = async (key: string): Promise<Uint8Array | null | undefined> =>
      kind === "segment" || kind === "partial"
        ? (await readIndex(this.#context, key, sealedFor))?.plainHash
        : readWalFile(this.#context, key, sealedFor);
    const [mine, theirs] = [await hashOf(first), await hashOf(other)];
    // One that is gone meanwhile was taken back.
    if (mine === undefined || mine === null || theirs === undefined || theirs === null) return;
    if (Buffer.compare(mine, theirs) !== 0)
      throw walConflict(name, "two were stored at the same time, and they differ");
  }

  partial(timeline: number): Promise<WalPartial | null> {
    return newestPartial(this.#context, this.#paths, timeline, (segment) => this.has(segment));
  }

  async partialOf(place: WalSegmentPlace): Promise<WalPartial | null> {
    return readPartial(this.#context, this.#paths, place.timeline, segmentName(place));
  }

  async contradiction(place: WalSegmentPlace): Promise<WalContradiction | null> {
    const name = segmentName(place);
    const pieces = await piecesBeside(this.#context, this.#paths, place);
    if (pieces.length === 0 || (await this.#locate(name)) === null) return null;
    const segment = { place, key: this.#paths.object(name), kind: "whole" } as const;
    const keys = pieces.map(({ key }) => key);
    return await contradictionOf(this.#context, this.#paths, segment, keys);
  }

  removeSegments(places: readonly WalSegmentPlace[], options: RemoveWal = {}): Promise<WalRemoval> {
    return removeSegments(this.#context, this.#paths, places, options);
  }

  removeTimeline(timeline: number, options: RemoveWal = {}): Promise<WalRemoval> {
    return removeTimeline(this.#context, this.#paths, timeline, options);
  }
}

function wrongLength(place: WalSegmentPlace): AppError {
  return new AppError("wal-invalid", {
    message: `what was given as ${segmentName(place)} does not have ${place.sizeBytes} bytes`,
    context: { segment: segmentName(place) },
  });
}
