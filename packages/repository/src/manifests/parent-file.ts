import { ByteReader } from "../bytes/byte-reader.ts";
import type { Extent } from "../types.ts";
import { asManifestErrors, type ManifestObject } from "./manifest-object.ts";
import { type FileRecord, readExtentsRecord, recordTypes, visitRuns } from "./manifest-records.ts";

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
  #extents: readonly Extent[] = [];
  #at = 0;
  /** Where the extent at `#at` begins, and where the one behind the last known begins. */
  #offset = 0;
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
    const extent = await this.extentAt(fileOffset);
    if (extent === null || extent.kind === "zeros" || this.#offset !== fileOffset) return null;
    return extent.lengthBytes === lengthBytes && extent.fingerprint !== null ? extent : null;
  }

  /** The extent that holds the byte at this offset, or null beyond the file's end. To be asked for in ascending order. */
  async extentAt(fileOffset: number): Promise<Extent | null> {
    for (;;) {
      const extent = this.#extents[this.#at];
      if (extent === undefined) {
        if (!(await this.#nextRecord())) return null;
        continue;
      }
      const end = this.#offset + Number(extent.lengthBytes);
      if (fileOffset < end) return extent;
      this.#offset = end;
      this.#at++;
    }
  }

  /** The extents that hold bytes of this stretch, without walking past them. `from` as in `extentAt`. */
  async ahead(from: number, to: number): Promise<readonly Extent[]> {
    if ((await this.extentAt(from)) === null) return [];
    while (this.#nextOffset < to && (await this.#nextRecord()));
    const end = this.#extents.findIndex((extent, at) => at >= this.#at && Number(extent.fileOffset) >= to);
    return this.#extents.slice(this.#at, end === -1 ? undefined : end);
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
    const extents = await asManifestErrors(this.#manifest.key, async () =>
      readExtentsRecord(body, BigInt(this.#nextOffset), this.#manifest.packIds),
    );
    for (const extent of extents) this.#nextOffset += Number(extent.lengthBytes);
    this.#extents = this.#at >= this.#extents.length ? extents : [...this.#extents.slice(this.#at), ...extents];
    this.#at = 0;
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
