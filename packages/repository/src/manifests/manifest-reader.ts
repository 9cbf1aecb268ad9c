import { ByteReader } from "../bytes/byte-reader.ts";
import type { Extent, ManifestEntry, ManifestFile, ManifestReader, StoredBackup } from "../types.ts";
import type { ManifestHeader } from "./backup-facts.ts";
import { asManifestErrors, type ManifestObject } from "./manifest-object.ts";
import {
  type FileRecord,
  readDirectoryRecord,
  readExtentsRecord,
  readFileRecord,
  readSymlinkRecord,
  recordTypes,
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

  async *entries(): AsyncGenerator<ManifestEntry> {
    let open: OpenFile | null = null;
    for (let number = 0; number < this.#manifest.chunkCount; number++) {
      const records = new ByteReader(await this.#manifest.chunk(number));
      while (!records.done) {
        const entry = await asManifestErrors(this.#manifest.key, async () => this.#next(records, open));
        if (entry instanceof OpenFile) {
          open = entry;
        } else if (entry !== null) {
          open = null;
          yield entry;
        }
      }
    }
    if (open !== null)
      await asManifestErrors(this.#manifest.key, () => Promise.reject(new Error("it ends within a file")));
  }

  /** One record: a whole entry, a file that begins or goes on, or null for more of the open file. */
  #next(records: ByteReader, open: OpenFile | null): ManifestEntry | OpenFile | null {
    const type = records.u8();
    const body = new ByteReader(records.sized());
    const within = type === recordTypes.extents || type === recordTypes.end;
    if (within !== (open !== null)) throw new Error(`record type ${type} is out of place`);
    if (type === recordTypes.directory) return { kind: "directory", ...readDirectoryRecord(body) };
    if (type === recordTypes.symlink) return { kind: "symlink", ...readSymlinkRecord(body) };
    if (type === recordTypes.file) return new OpenFile(readFileRecord(body));
    if (type === recordTypes.extents) open?.add(readExtentsRecord(body, open.length, this.#manifest.packIds));
    else if (type === recordTypes.end && open !== null) return open.end(body.u32());
    else throw new Error(`record type ${type} is unknown`);
    return null;
  }
}

class OpenFile {
  length = 0n;
  readonly #file: FileRecord;
  readonly #extents: Extent[] = [];

  constructor(file: FileRecord) {
    this.#file = file;
  }

  add(extents: readonly Extent[]): void {
    for (const extent of extents) {
      this.#extents.push(extent);
      this.length += BigInt(extent.lengthBytes);
    }
  }

  end(crc32c: number): ManifestFile {
    if (this.length !== this.#file.sizeBytes) {
      throw new Error(`the extents of ${Buffer.from(this.#file.path).toString()} do not make up its size`);
    }
    return { kind: "file", ...this.#file, crc32c, extents: this.#extents };
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
