import { ByteWriter } from "../bytes/byte-writer.ts";
import { jsonBytes } from "../bytes/json-fields.ts";
import { bundledFileBytes, magic, manifestChunkBytes, smallRunBytes } from "../format.ts";
import { manifestKey } from "../paths.ts";
import { newSeal, type RepositoryContext } from "../repository-context.ts";
import { encodePrefix, type ObjectSeal } from "../seal/object-seal.ts";
import { encodeTrailer } from "../seal/object-trailer.ts";
import { sealBox } from "../seal/sealed-box.ts";
import type { NewFile } from "../types.ts";
import { headerToJson, type ManifestHeader } from "./backup-facts.ts";
import { FrameBitmap } from "./frame-bitmap.ts";
import {
  directoryRecord,
  endRecord,
  fileRecord,
  type RecordedExtents,
  recordTypes,
  symlinkRecord,
  writeExtents,
} from "./manifest-records.ts";
import { ManifestSpool } from "./manifest-spool.ts";

/** Where a sealed chunk is: its offset counts from the first chunk's beginning. */
interface ChunkPlace {
  readonly storedBytes: number;
  readonly plainBytes: number;
}

/** Turns entries into sealed chunks as they come. Memory: one chunk, the spool's share, and the table of packs. */
export class ManifestWriter {
  readonly key: string;
  readonly spool: ManifestSpool;
  readonly #seal: ObjectSeal;
  readonly #chunk = new ByteWriter(manifestChunkBytes + 64 * 1024);
  /** The record of extents that is put together. */
  readonly #record = new ByteWriter(4096);
  readonly #chunks: ChunkPlace[] = [];
  readonly #packNumbers = new Map<string, number>();
  /** By pack number: which frames are referred to. */
  readonly #frameUse: FrameBitmap[] = [];
  /** Runs in all files so far, and those that are small for their file. */
  runs = 0;
  smallRuns = 0;
  #file = { isLarge: false, runsBefore: 0, smallRunsBefore: 0 };

  constructor(context: RepositoryContext, serverId: string, backupId: string) {
    this.key = manifestKey(serverId, backupId);
    this.spool = new ManifestSpool(context.spoolFolder);
    this.#seal = newSeal(context, this.key);
  }

  get packIds(): Iterable<string> {
    return this.#packNumbers.keys();
  }

  addDirectory(path: Uint8Array, mode: number): void {
    this.#add(recordTypes.directory, directoryRecord(path, mode));
  }

  addSymlink(path: Uint8Array, target: string): void {
    this.#add(recordTypes.symlink, symlinkRecord(path, target));
  }

  beginFile(file: NewFile): void {
    const isLarge = file.sizeBytes > bundledFileBytes;
    this.#file = { isLarge, runsBefore: this.runs, smallRunsBefore: this.smallRuns };
    this.#add(recordTypes.file, fileRecord(file));
  }

  addExtents(extents: RecordedExtents): void {
    if (extents.length === 0) return;
    this.#record.clear();
    writeExtents(this.#record, extents, (packId, frameIndex, lengthBytes) => {
      this.runs++;
      if (this.#file.isLarge && lengthBytes < smallRunBytes) this.smallRuns++;
      const packNumber = this.#packNumber(packId);
      this.#frameUse[packNumber]?.add(frameIndex);
      return packNumber;
    });
    this.#add(recordTypes.extents, this.#record.view());
  }

  endFile(crc32c: number): void {
    const { runsBefore, smallRunsBefore } = this.#file;
    this.#add(recordTypes.end, endRecord(crc32c, this.runs - runsBefore, this.smallRuns - smallRunsBefore));
  }

  /** The whole object, to be read any number of times: prefix, header, chunks, index, trailer. */
  finish(header: ManifestHeader): AsyncIterable<Uint8Array> {
    this.#closeChunk();
    const { spool } = this;
    const headerBox = sealBox(jsonBytes(headerToJson(header)), this.#seal.part("header", 0));
    const prefix = encodePrefix(magic.manifest, this.#seal.facts, headerBox.length);
    const index = sealBox(this.#index(), this.#seal.part("index", 0));
    const chunkBytes = this.#chunks.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
    const trailer = encodeTrailer(magic.manifestEnd, {
      ...this.#seal.facts,
      lastBoxOffset: prefix.length + headerBox.length + chunkBytes,
      lastBoxBytes: index.length,
      count: this.#chunks.length,
    });
    return {
      async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
        yield prefix;
        yield headerBox;
        yield* spool.read();
        yield index;
        yield trailer;
      },
    };
  }

  #index(): Uint8Array {
    const writer = new ByteWriter(64 * 1024).varint(this.#packNumbers.size);
    for (const [packId, number] of this.#packNumbers) {
      writer.sized(Buffer.from(packId, "latin1")).sized(this.#frameUse[number]?.trimmed() ?? new Uint8Array(0));
    }
    writer.varint(this.#chunks.length);
    for (const chunk of this.#chunks) writer.varint(chunk.storedBytes).varint(chunk.plainBytes);
    return writer.take();
  }

  #packNumber(packId: string): number {
    const known = this.#packNumbers.get(packId);
    if (known !== undefined) return known;
    this.#frameUse.push(new FrameBitmap());
    this.#packNumbers.set(packId, this.#packNumbers.size);
    return this.#packNumbers.size - 1;
  }

  /** No record is cut by a chunk's end, so that a reader can begin at any chunk. */
  #add(type: number, body: Uint8Array): void {
    this.#chunk.u8(type).sized(body);
    if (this.#chunk.length >= manifestChunkBytes) this.#closeChunk();
  }

  #closeChunk(): void {
    const plain = this.#chunk.view();
    if (plain.length === 0) return;
    const stored = sealBox(plain, this.#seal.part("chunk", this.#chunks.length));
    this.#chunks.push({ storedBytes: stored.length, plainBytes: plain.length });
    this.spool.add(stored);
    this.#chunk.clear();
  }
}
