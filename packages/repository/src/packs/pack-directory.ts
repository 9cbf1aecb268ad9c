import { AppError } from "@tidemark/kit";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { magic } from "../format.ts";
import { nameOf } from "../paths.ts";
import type { RepositoryContext } from "../repository-context.ts";
import {
  damagedObject,
  decodePrefix,
  encodePrefix,
  type ObjectSeal,
  prefixBytes,
  type SealFacts,
} from "../seal/object-seal.ts";
import { getRange, type ObjectTail, readTail } from "../seal/object-trailer.ts";

/** One frame as the directory of its pack describes it. */
export interface DirectoryEntry {
  readonly offset: number;
  readonly storedBytes: number;
  readonly plainBytes: number;
  /** The number its nonce and place were made with; larger than the index where frames turned out to be unchanged. */
  readonly number: number;
  readonly crc32c: number;
  readonly fingerprint: Uint8Array;
  /** The last 16 bytes of what is stored: the GCM tag, or the end of the hash. */
  readonly guard: Uint8Array;
}

/** A frame as it is written down: with the checksums of its pieces, or none where they are not known. */
export interface NewDirectoryEntry extends DirectoryEntry {
  readonly pieceCrcs: Uint32Array;
}

export const packHeaderBytes = prefixBytes + 64;
export const entryBytes = 56;
export const directoryHeadBytes = 36;

/** Prefix, then pack id and the id of the backup that wrote it, 32 bytes each. */
export function encodePackHeader(facts: SealFacts, packId: string, backupId: string): Uint8Array {
  return new ByteWriter(packHeaderBytes)
    .bytes(encodePrefix(magic.pack, facts, 0))
    .fixedText(packId, 32)
    .fixedText(backupId, 32)
    .take();
}

export function encodeDirectory(backupId: string, entries: readonly NewDirectoryEntry[]): Uint8Array {
  const writer = new ByteWriter(directoryHeadBytes + entries.length * entryBytes);
  writer.fixedText(backupId, 32).u32(entries.length);
  for (const entry of entries) {
    writer.u64(entry.offset).u32(entry.storedBytes).u32(entry.plainBytes).u32(entry.number).u32(entry.crc32c);
    writer.bytes(entry.fingerprint).bytes(entry.guard);
  }
  for (const { pieceCrcs } of entries) {
    writer.varint(pieceCrcs.length);
    for (const crc of pieceCrcs) writer.u32(crc);
  }
  return writer.take();
}

/** The directory of one pack, read entry by entry from its bytes. */
export class PackDirectory {
  readonly seal: ObjectSeal;
  readonly frameCount: number;
  readonly writerBackupId: string;
  readonly #bytes: Uint8Array;
  /** In version 2, where the pieces of each frame begin; null in version 1, which has none. */
  readonly #piecesAt: Uint32Array | null;

  constructor(bytes: Uint8Array, seal: ObjectSeal, key: string, formatVersion: number) {
    const reader = new ByteReader(bytes);
    this.writerBackupId = reader.fixedText(32);
    this.frameCount = reader.u32();
    reader.at = directoryHeadBytes + this.frameCount * entryBytes;
    if (reader.at > bytes.length) throw damagedObject(key, "its directory is shorter than it says");
    this.#piecesAt = formatVersion >= 2 ? placesOfPieces(reader, this.frameCount) : null;
    if (!reader.done) throw damagedObject(key, "its directory is longer than it says");
    this.#bytes = bytes;
    this.seal = seal;
  }

  /** What it takes in memory. */
  get sizeBytes(): number {
    return this.#bytes.length + this.frameCount * 4;
  }

  /**
   * CRC-32C of each 8192 bytes of a frame's plain bytes, into `crcs`; gives their number: 0 where they are not known, there is
   * no such frame, or they would not fit.
   */
  copyPieceCrcs(index: number, crcs: Uint32Array): number {
    const at = this.#piecesAt?.[index];
    if (at === undefined) return 0;
    const reader = new ByteReader(this.#bytes, at);
    const count = reader.varint();
    if (count > crcs.length) return 0;
    for (let piece = 0; piece < count; piece++) crcs[piece] = reader.u32();
    return count;
  }

  /** Of a frame: how long its plain bytes are, and their CRC-32C. */
  plainBytesOf(index: number): number {
    return new ByteReader(this.#bytes, directoryHeadBytes + index * entryBytes + 12).u32();
  }

  crcOf(index: number): number {
    return new ByteReader(this.#bytes, directoryHeadBytes + index * entryBytes + 20).u32();
  }

  /** Undefined for an index beyond the directory. */
  entry(index: number): DirectoryEntry | undefined {
    if (!Number.isInteger(index) || index < 0 || index >= this.frameCount) return undefined;
    const reader = new ByteReader(this.#bytes, directoryHeadBytes + index * entryBytes);
    return {
      offset: reader.u64(),
      storedBytes: reader.u32(),
      plainBytes: reader.u32(),
      number: reader.u32(),
      crc32c: reader.u32(),
      fingerprint: reader.bytes(16),
      guard: reader.bytes(16),
    };
  }
}

/** Goes over the pieces behind the entries. Throws a RangeError when they end early. */
function placesOfPieces(reader: ByteReader, frameCount: number): Uint32Array {
  const places = new Uint32Array(frameCount);
  for (let frame = 0; frame < frameCount; frame++) {
    places[frame] = reader.at;
    reader.skip(reader.varint() * 4);
  }
  return places;
}

/** Throws `object-missing` or `object-damaged`, or what the store says when it could not be asked. */
export async function readDirectory(
  context: RepositoryContext,
  key: string,
  signal?: AbortSignal,
): Promise<PackDirectory> {
  const tail = await readTail(context, key, magic.packEnd, "directory", signal);
  const directory = decodeDirectory(tail, key);
  if (directory.frameCount !== tail.trailer.count) throw damagedObject(key, "directory and trailer disagree");
  return directory;
}

/** Throws `object-damaged`. */
export function decodeDirectory(tail: ObjectTail, key: string): PackDirectory {
  try {
    return new PackDirectory(tail.lastBox, tail.seal, key, tail.trailer.formatVersion);
  } catch (error) {
    throw error instanceof AppError ? error : damagedObject(key, "its directory cannot be read", error);
  }
}

/** Which backup wrote a pack, from its first bytes; null when they are damaged. */
export async function readPackWriter(context: RepositoryContext, key: string): Promise<string | null> {
  const facts = await context.store.stat(key);
  if (facts === null || facts.sizeBytes < packHeaderBytes) return null;
  const header = await getRange(context.store, key, 0, packHeaderBytes);
  try {
    if (decodePrefix(header, key).magic !== magic.pack) return null;
    const reader = new ByteReader(header, prefixBytes);
    return reader.fixedText(32) === nameOf(key) ? reader.fixedText(32) : null;
  } catch (error) {
    if (error instanceof RangeError || (error instanceof AppError && error.code === "object-damaged")) return null;
    throw error;
  }
}
