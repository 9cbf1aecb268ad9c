import { ByteReader } from "../bytes/byte-reader.ts";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { asManifestErrors, type ManifestObject } from "./manifest-object.ts";
import { readFileRecord, recordTypes } from "./manifest-records.ts";
import { ParentFile } from "./parent-file.ts";

/**
 * Finds the files of the parent's manifest by path, in whatever order they are asked for. Memory: 12 bytes for each of
 * up to twice as many slots as the parent has files, and the last few chunks; the extents stay in the manifest.
 */
export class ParentIndex {
  readonly #manifest: ManifestObject;
  readonly #slots: SlotTable;
  readonly #chunks = new Map<number, Promise<Uint8Array>>();

  private constructor(manifest: ManifestObject) {
    this.#manifest = manifest;
    this.#slots = new SlotTable(manifest.header.fileCount);
  }

  /** Reads the manifest once from end to end. Throws `manifest-damaged`. */
  static async build(manifest: ManifestObject): Promise<ParentIndex> {
    const index = new ParentIndex(manifest);
    for (let number = 0; number < manifest.chunkCount; number++) {
      const bytes = await manifest.chunk(number);
      const records = new ByteReader(bytes);
      await asManifestErrors(manifest.key, async () => {
        while (!records.done) {
          const at = records.at;
          const type = records.u8();
          const body = records.sized();
          if (type === recordTypes.file) index.#slots.add(hashOf(new ByteReader(body).sized()), number, at);
        }
      });
      releaseBytes(bytes);
    }
    return index;
  }

  /** The extents of the file of this path, to be asked for in ascending order; null when the parent has no such file. */
  async file(path: Uint8Array): Promise<ParentFile | null> {
    for (const { chunk, offset } of this.#slots.find(hashOf(path))) {
      const records = new ByteReader(await this.chunk(chunk), offset);
      records.u8();
      const record = readFileRecord(new ByteReader(records.sized()));
      if (Buffer.compare(record.path, path) === 0) {
        return new ParentFile((number) => this.chunk(number), this.#manifest, { chunk, records, file: record });
      }
    }
    return null;
  }

  /** A chunk's records; the last few stay at hand, since files mostly come in the parent's order. */
  chunk(number: number): Promise<Uint8Array> {
    const known = this.#chunks.get(number);
    if (known !== undefined) return known;
    const loaded = this.#manifest.chunk(number);
    this.#chunks.set(number, loaded);
    // What failed once is asked again, and not remembered as failed.
    loaded.catch(() => {
      if (this.#chunks.get(number) === loaded) this.#chunks.delete(number);
    });
    const oldest = this.#chunks.keys().next().value;
    if (this.#chunks.size > keptChunks && oldest !== undefined) this.#chunks.delete(oldest);
    return loaded;
  }
}

const keptChunks = 4;

/** An open-addressed table of (hash, chunk, offset); several entries may share a hash. */
class SlotTable {
  readonly #slots: Uint32Array;
  readonly #mask: number;
  #used = 0;

  constructor(entries: number) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(entries, 8) * 1.5));
    this.#slots = new Uint32Array(capacity * 3);
    this.#mask = capacity - 1;
  }

  add(hash: number, chunk: number, offset: number): void {
    if (++this.#used > this.#mask) throw new RangeError("there are more files than the header says");
    let slot = hash & this.#mask;
    while (this.#slots[slot * 3 + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#slots.set([hash, chunk + 1, offset], slot * 3);
  }

  *find(hash: number): Generator<{ readonly chunk: number; readonly offset: number }> {
    for (let slot = hash & this.#mask; this.#slots[slot * 3 + 1] !== 0; slot = (slot + 1) & this.#mask) {
      if (this.#slots[slot * 3] !== hash) continue;
      yield { chunk: (this.#slots[slot * 3 + 1] ?? 0) - 1, offset: this.#slots[slot * 3 + 2] ?? 0 };
    }
  }
}

/** FNV-1a, 32 bits (offset basis 0x811C9DC5, prime 0x01000193); paths are short and compared in full afterwards. */
function hashOf(path: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of path) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
