import { ByteReader } from "../bytes/byte-reader.ts";
import type { Extent } from "../types.ts";
import { ExtentTable } from "./extent-table.ts";
import { asManifestErrors, type ManifestObject } from "./manifest-object.ts";
import { type FileRecord, recordTypes, visitRuns } from "./manifest-records.ts";

export type FrameExtent = Extent & { readonly kind: "frame" };

/** Where a file begins in the parent's manifest: the records behind its first one. */
export interface ParentFilePlace {
  readonly chunk: number;
  readonly records: ByteReader;
  readonly file: FileRecord;
}

/** Walks the extents of one file of the parent forward. Memory: the extents of one record, and the chunk it lies in. */
export class ParentFile {
  readonly sizeBytes: number;
  readonly #chunkOf: (number: number) => Promise<Uint8Array>;
  readonly #manifest: ManifestObject;
  #chunk: number;
  #records: ByteReader;
  /** Records that are known and not passed; the walk is at `#at` in the first. */
  #tables: ExtentTable[] = [];
  #at = 0;
  /** Where the extent behind the last known begins. */
  #nextOffset = 0;
  #ended = false;

  constructor(chunkOf: (number: number) => Promise<Uint8Array>, manifest: ManifestObject, place: ParentFilePlace) {
    this.#chunkOf = chunkOf;
    this.#manifest = manifest;
    this.#chunk = place.chunk;
    this.#records = place.records;
    this.sizeBytes = Number(place.file.sizeBytes);
  }

  /**
   * The stored run that covers exactly these bytes of the file and has a fingerprint, or null. To be asked for in
   * ascending order.
   */
  async runAt(fileOffset: number, lengthBytes: number): Promise<FrameExtent | null> {
    return (await this.reach(fileOffset)) ? (this.runAtHand(fileOffset, lengthBytes) ?? null) : null;
  }

  /** The same among the extents that are known; undefined when it is none of them. */
  runAtHand(fileOffset: number, lengthBytes: number): FrameExtent | null | undefined {
    if (!this.isAt(fileOffset)) return undefined;
    const { table, index } = this.place;
    if (!table.hasFingerprint(index) || table.beginOf(index) !== fileOffset) return null;
    return table.endOf(index) - fileOffset === lengthBytes ? (table.extent(index) as FrameExtent) : null;
  }

  /** Walks to the extent that holds the byte at this offset, among those that are known; `false` when it is none of them. */
  isAt(fileOffset: number): boolean {
    for (;;) {
      const table = this.#tables[0];
      if (table === undefined) return false;
      for (; this.#at < table.count; this.#at++) if (fileOffset < table.endOf(this.#at)) return true;
      this.#tables.shift();
      this.#at = 0;
    }
  }

  /** As `isAt`, with records that must be read; `false` beyond the file's end. */
  async reach(fileOffset: number): Promise<boolean> {
    while (!this.isAt(fileOffset)) if (!(await this.#nextRecord())) return false;
    return true;
  }

  /** The extent that was walked to. */
  get place(): { readonly table: ExtentTable; readonly index: number } {
    const table = this.#tables[0];
    if (table === undefined) throw new RangeError("no extent was walked to");
    return { table, index: this.#at };
  }

  /** The extent that holds the byte at this offset, or null beyond the file's end. To be asked for in ascending order. */
  async extentAt(fileOffset: number): Promise<Extent | null> {
    if (!(await this.reach(fileOffset))) return null;
    const { table, index } = this.place;
    return table.extent(index);
  }

  /** The extents that hold bytes of this stretch, without walking past them. `from` as in `extentAt`. */
  async ahead(from: number, to: number): Promise<readonly Extent[]> {
    if (!(await this.reach(from))) return [];
    while (this.#nextOffset < to && (await this.#nextRecord()));
    const extents: Extent[] = [];
    for (const [number, table] of this.#tables.entries()) {
      for (let index = number === 0 ? this.#at : 0; index < table.count; index++) {
        if (table.beginOf(index) >= to) return extents;
        extents.push(table.extent(index));
      }
    }
    return extents;
  }

  /** Whether one of the file's runs lies in one of these packs, by number. Uses the walk up. */
  async touches(packNumbers: ReadonlySet<number>): Promise<boolean> {
    let found = false;
    while (!found) {
      const body = await this.#nextBody();
      if (body === null) return false;
      await asManifestErrors(this.#manifest.key, async () =>
        visitRuns(body, (packNumber) => {
          found ||= packNumbers.has(packNumber);
        }),
      );
    }
    return true;
  }

  async #nextRecord(): Promise<boolean> {
    const body = await this.#nextBody();
    if (body === null) return false;
    const { packIds, key } = this.#manifest;
    const table = await asManifestErrors(key, async () => ExtentTable.of(body, this.#nextOffset, packIds));
    if (table.count === 0) return true;
    this.#nextOffset = table.endOf(table.count - 1);
    this.#tables.push(table);
    return true;
  }

  /** The body of the next record of extents, or null behind the last. */
  async #nextBody(): Promise<ByteReader | null> {
    if (this.#ended) return null;
    while (this.#records.done) {
      if (this.#chunk + 1 >= this.#manifest.chunkCount) return null;
      this.#chunk++;
      this.#records = new ByteReader(await this.#chunkOf(this.#chunk));
    }
    if (this.#records.u8() !== recordTypes.extents) {
      this.#ended = true;
      return null;
    }
    return new ByteReader(this.#records.sized());
  }
}
