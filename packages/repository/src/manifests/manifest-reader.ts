import { ByteReader } from "../bytes/byte-reader.ts";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { bundledFileBytes, smallRunBytes } from "../format.ts";
import type {
  ManifestEntry,
  ManifestFileRows,
  ManifestFileSummary,
  ManifestReader,
  ManifestRows,
  StoredBackup,
} from "../types.ts";
import type { ManifestHeader } from "./backup-facts.ts";
import { ExtentTable } from "./extent-table.ts";
import { FrameBitmap } from "./frame-bitmap.ts";
import { asManifestError, asManifestErrors, type ManifestObject } from "./manifest-object.ts";
import {
  type EndRecord,
  type FileRecord,
  readDirectoryRecord,
  readEndRecord,
  readFileRecord,
  readSymlinkRecord,
  recordTypes,
  visitRuns,
} from "./manifest-records.ts";

/** Reads a manifest entry by entry. Memory: one chunk and the extents of one file. */
export class OpenedManifest implements ManifestReader {
  readonly backup: ManifestReader["backup"];
  readonly #manifest: ManifestObject;

  constructor(manifest: ManifestObject) {
    this.#manifest = manifest;
    this.backup = { ...storedBackup(manifest.header), facts: manifest.header.facts, counts: manifest.header.counts };
  }

  async packIds(): Promise<ReadonlySet<string>> {
    return new Set(this.#manifest.packIds);
  }

  async frameUse(): Promise<ReadonlyMap<string, Uint8Array>> {
    const { packIds, frameUse } = this.#manifest;
    const known = frameUse ?? (await this.#computeFrameUse());
    return new Map(packIds.map((packId, number) => [packId, known[number] ?? new Uint8Array(0)]));
  }

  /** Version 1 does not say it in the index: all extents are gone over. */
  async #computeFrameUse(): Promise<Uint8Array[]> {
    const use = this.#manifest.packIds.map(() => new FrameBitmap());
    await this.#records((type, body) => {
      if (type !== recordTypes.extents) return;
      visitRuns(body, (packNumber, frameIndex) => {
        const bitmap = use[packNumber];
        if (bitmap === undefined) throw new Error("an extent points to a pack beyond the table");
        bitmap.add(frameIndex);
      });
    });
    return use.map((bitmap) => bitmap.trimmed());
  }

  async #records(visit: (type: number, body: ByteReader) => void): Promise<void> {
    for (let number = 0; number < this.#manifest.chunkCount; number++) {
      const chunk = await this.#manifest.chunk(number);
      const records = new ByteReader(chunk);
      await asManifestErrors(this.#manifest.key, async () => {
        while (!records.done) visit(records.u8(), new ByteReader(records.sized()));
      });
      releaseBytes(chunk);
    }
  }

  async *files(): AsyncGenerator<ManifestFileSummary> {
    // Version 1 does not count runs at the end of a file: they are counted on the way.
    const tally = this.#manifest.formatVersion >= 2 ? null : new RunTally();
    let open: FileRecord | null = null;
    for (let number = 0; number < this.#manifest.chunkCount; number++) {
      const chunk = await this.#manifest.chunk(number);
      const records = new ByteReader(chunk);
      // Of a chunk at one go: waiting for each record by itself took longer than reading it.
      const summaries: ManifestFileSummary[] = [];
      await asManifestErrors(this.#manifest.key, async () => {
        while (!records.done) {
          const type = records.u8();
          const body = new ByteReader(records.sized());
          if (type === recordTypes.file) {
            open = readFileRecord(body);
            tally?.begin(open.sizeBytes);
          } else if (type === recordTypes.extents) tally?.add(body);
          else if (type === recordTypes.end && open !== null)
            summaries.push(summaryOf(open, readEndRecord(body), tally));
        }
      });
      releaseBytes(chunk);
      yield* summaries;
    }
  }

  async *entries(): AsyncGenerator<ManifestEntry> {
    const extents = new ExtentTable(this.#manifest.packIds);
    for await (const entry of this.#rows(extents)) {
      yield entry.kind === "file" ? { ...entry, extents: extents.extents() } : entry;
    }
  }

  rows(): AsyncGenerator<ManifestRows> {
    return this.#rows(new ExtentTable(this.#manifest.packIds));
  }

  /** The table is every file's, one after another. */
  async *#rows(extents: ExtentTable): AsyncGenerator<ManifestRows> {
    let open: OpenFile | null = null;
    for (let number = 0; number < this.#manifest.chunkCount; number++) {
      const chunk = await this.#manifest.chunk(number);
      const records = new ByteReader(chunk);
      while (!records.done) {
        const entry = this.#nextSound(records, open, extents);
        if (entry instanceof OpenFile) {
          open = entry;
        } else if (entry !== null) {
          open = null;
          yield entry;
        }
      }
      // What was yielded holds copies.
      releaseBytes(chunk);
    }
    if (open !== null) throw asManifestError(this.#manifest.key, new Error("it ends within a file"));
  }

  /** Not async: waiting for each record took longer than reading it. */
  #nextSound(records: ByteReader, open: OpenFile | null, extents: ExtentTable): ManifestRows | OpenFile | null {
    try {
      return this.#next(records, open, extents);
    } catch (error) {
      throw asManifestError(this.#manifest.key, error);
    }
  }

  /** One record: a whole entry, a file that begins or goes on, or null for more of the open file. */
  #next(records: ByteReader, open: OpenFile | null, extents: ExtentTable): ManifestRows | OpenFile | null {
    const type = records.u8();
    const body = new ByteReader(records.sized());
    const within = type === recordTypes.extents || type === recordTypes.end;
    if (within !== (open !== null)) throw new Error(`record type ${type} is out of place`);
    if (type === recordTypes.directory) return { kind: "directory", ...readDirectoryRecord(body) };
    if (type === recordTypes.symlink) return { kind: "symlink", ...readSymlinkRecord(body) };
    if (type === recordTypes.file) return new OpenFile(readFileRecord(body), extents);
    if (type === recordTypes.extents) open?.add(body);
    else if (type === recordTypes.end && open !== null) return open.end(readEndRecord(body).crc32c);
    else throw new Error(`record type ${type} is unknown`);
    return null;
  }
}

/** Counts a file's runs as the writer of version 2 does. */
class RunTally {
  runs = 0;
  smallRuns = 0;
  #isLarge = false;

  begin(sizeBytes: bigint): void {
    this.runs = 0;
    this.smallRuns = 0;
    this.#isLarge = sizeBytes > bundledFileBytes;
  }

  add(extents: ByteReader): void {
    visitRuns(extents, (_packNumber, _frameIndex, lengthBytes) => {
      this.runs++;
      if (this.#isLarge && lengthBytes < smallRunBytes) this.smallRuns++;
    });
  }
}

function summaryOf(file: FileRecord, end: EndRecord, tally: RunTally | null): ManifestFileSummary {
  const runs = end.runs ?? tally?.runs ?? 0;
  const smallRuns = end.smallRuns ?? tally?.smallRuns ?? 0;
  return { ...file, crc32c: end.crc32c, runs, smallRuns };
}

class OpenFile {
  readonly #file: FileRecord;
  readonly #extents: ExtentTable;

  constructor(file: FileRecord, extents: ExtentTable) {
    extents.clear();
    this.#file = file;
    this.#extents = extents;
  }

  add(extents: ByteReader): void {
    this.#extents.add(extents, this.#length);
  }

  end(crc32c: number): ManifestFileRows {
    if (BigInt(this.#length) !== this.#file.sizeBytes) {
      throw new Error(`the extents of ${Buffer.from(this.#file.path).toString()} do not make up its size`);
    }
    return { kind: "file", ...this.#file, crc32c, extents: this.#extents };
  }

  get #length(): number {
    const { count } = this.#extents;
    return count === 0 ? 0 : this.#extents.endOf(count - 1);
  }
}

export function storedBackup(header: ManifestHeader): StoredBackup {
  const { backupId, serverId, parentId, facts, counts, fileCount, plainBytes } = header;
  return { backupId, serverId, parentId, facts, counts, fileCount, plainBytes, damaged: null };
}

/** What a backup whose manifest cannot be read is listed as. */
export function damagedBackup(serverId: string, backupId: string, why: string): StoredBackup {
  const unknown = { parentId: null, facts: null, counts: null, fileCount: 0, plainBytes: 0n };
  return { backupId, serverId, ...unknown, damaged: why };
}
