import { AppError } from "@tidemark/kit";
import { BackupManifestReader, type ManifestFacts, type ManifestFile } from "@tidemark/postgres";

/**
 * Every file of a running backup: path, size and CRC-32C, packed (about 60 bytes a file), because a cluster can have
 * a million of them. In the order in which the server sent them, which is the order of its manifest.
 */
export class ReceivedFiles {
  readonly #paths: Buffer[] = [];
  #pathsUsed = 0;
  #pathAt = new Float64Array(1024);
  #pathLength = new Uint16Array(1024);
  #sizes = new Float64Array(1024);
  #crcs = new Float64Array(1024);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Notes a file that begins; its number is what `setCrc` asks for. */
  add(path: Uint8Array, sizeBytes: number): number {
    if (this.#count === this.#sizes.length) this.#grow();
    const index = this.#count++;
    this.#pathAt[index] = this.#keepPath(path);
    this.#pathLength[index] = path.length;
    this.#sizes[index] = sizeBytes;
    this.#crcs[index] = Number.NaN;
    return index;
  }

  setCrc(index: number, crc32c: number): void {
    this.#crcs[index] = crc32c;
  }

  at(index: number): { readonly path: Uint8Array; readonly sizeBytes: number; readonly crc32c: number } {
    const position = this.#pathAt[index] ?? 0;
    const block = this.#paths[Math.floor(position / pathBlockBytes)] ?? Buffer.alloc(0);
    const from = position % pathBlockBytes;
    return {
      path: block.subarray(from, from + (this.#pathLength[index] ?? 0)),
      sizeBytes: this.#sizes[index] ?? 0,
      crc32c: this.#crcs[index] ?? Number.NaN,
    };
  }

  /** Paths lie in blocks of 1 MiB and never across two of them. */
  #keepPath(path: Uint8Array): number {
    if (this.#paths.length === 0 || this.#pathsUsed + path.length > pathBlockBytes) {
      this.#paths.push(Buffer.alloc(pathBlockBytes));
      this.#pathsUsed = 0;
    }
    const at = this.#pathsUsed;
    this.#paths.at(-1)?.set(path, at);
    this.#pathsUsed += path.length;
    return (this.#paths.length - 1) * pathBlockBytes + at;
  }

  #grow(): void {
    const wider = this.#sizes.length * 2;
    this.#pathAt = copyInto(new Float64Array(wider), this.#pathAt);
    this.#sizes = copyInto(new Float64Array(wider), this.#sizes);
    this.#crcs = copyInto(new Float64Array(wider), this.#crcs);
    const lengths = new Uint16Array(wider);
    lengths.set(this.#pathLength);
    this.#pathLength = lengths;
  }
}

/**
 * Compares the server's `backup_manifest` with what was received, piece by piece: every file listed and received, in
 * the same order, with the same size and CRC-32C. WAL segments are in no manifest and are not compared.
 */
export class ManifestComparison {
  readonly #received: ReceivedFiles;
  readonly #reader = new BackupManifestReader();
  #next = 0;

  constructor(received: ReceivedFiles) {
    this.#received = received;
  }

  /** Throws `backup-manifest-mismatch` at the first difference, naming the file. */
  push(chunk: Uint8Array): void {
    for (const listed of this.#reader.push(chunk)) this.#compare(listed);
  }

  /** To be called at the manifest's end: throws also when a received file is not listed. */
  finish(): ManifestFacts {
    const facts = this.#reader.finish();
    const left = this.#nextReceived();
    if (left !== null) throw mismatch(left.path, "was received, but the server's manifest does not list it");
    return facts;
  }

  #compare(listed: ManifestFile): void {
    const received = this.#nextReceived();
    if (received === null || !Buffer.from(received.path).equals(listed.path)) {
      throw mismatch(listed.path, "is in the server's manifest, but was not received in its place");
    }
    this.#next++;
    if (received.sizeBytes !== listed.sizeBytes) {
      throw mismatch(listed.path, `has ${received.sizeBytes} bytes, the server's manifest says ${listed.sizeBytes}`);
    }
    if (listed.checksum?.algorithm !== "CRC32C") throw mismatch(listed.path, "has no CRC-32C in the server's manifest");
    if (received.crc32c !== listed.checksum.crc32c)
      throw mismatch(listed.path, "arrived with another checksum than the server computed");
  }

  #nextReceived(): ReturnType<ReceivedFiles["at"]> | null {
    for (; this.#next < this.#received.count; this.#next++) {
      const file = this.#received.at(this.#next);
      if (!isWalSegment(file.path)) return file;
    }
    return null;
  }
}

/**
 * Whether a path is a WAL segment in `pg_wal`. `backup_manifest` names those by range; history files and archive_status
 * are listed like any other file (src/backend/backup/basebackup.c, perform_base_backup).
 */
export function isWalSegment(path: Uint8Array): boolean {
  return path.length === walSegmentPathBytes && /^pg_wal\/[0-9A-F]{24}$/.test(Buffer.from(path).toString("latin1"));
}

function mismatch(path: Uint8Array, why: string): AppError {
  const name = Buffer.from(path).toString("utf8");
  return new AppError("backup-manifest-mismatch", {
    message: `the file ${name} ${why}`,
    hint: "this copy was given up; earlier backups are untouched, and a new run may succeed",
    context: { file: name },
  });
}

function copyInto(target: Float64Array<ArrayBuffer>, source: Float64Array): Float64Array<ArrayBuffer> {
  target.set(source);
  return target;
}

const walSegmentPathBytes = "pg_wal/".length + 24;
const pathBlockBytes = 1024 * 1024;
