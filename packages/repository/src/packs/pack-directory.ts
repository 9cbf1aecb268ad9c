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
import { getRange, readTail } from "../seal/object-trailer.ts";

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

export const packHeaderBytes = prefixBytes + 64;
const entryBytes = 56;
const directoryHeadBytes = 36;

/** Prefix, then pack id and the id of the backup that wrote it, 32 bytes each. */
export function encodePackHeader(facts: SealFacts, packId: string, backupId: string): Uint8Array {
  return new ByteWriter(packHeaderBytes)
    .bytes(encodePrefix(magic.pack, facts, 0))
    .fixedText(packId, 32)
    .fixedText(backupId, 32)
    .take();
}

export function encodeDirectory(backupId: string, entries: readonly DirectoryEntry[]): Uint8Array {
  const writer = new ByteWriter(directoryHeadBytes + entries.length * entryBytes);
  writer.fixedText(backupId, 32).u32(entries.length);
  for (const entry of entries) {
    writer.u64(entry.offset).u32(entry.storedBytes).u32(entry.plainBytes).u32(entry.number).u32(entry.crc32c);
    writer.bytes(entry.fingerprint).bytes(entry.guard);
  }
  return writer.take();
}

/** The directory of one pack, read entry by entry from its bytes. */
export class PackDirectory {
  readonly seal: ObjectSeal;
  readonly frameCount: number;
  readonly writerBackupId: string;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, seal: ObjectSeal, key: string) {
    const reader = new ByteReader(bytes);
    this.writerBackupId = reader.fixedText(32);
    this.frameCount = reader.u32();
    if (bytes.length !== directoryHeadBytes + this.frameCount * entryBytes) {
      throw damagedObject(key, "its directory has another length than it says");
    }
    this.#bytes = bytes;
    this.seal = seal;
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

/** Throws `object-missing` or `object-damaged`, or what the store says when it could not be asked. */
export async function readDirectory(
  context: RepositoryContext,
  key: string,
  signal?: AbortSignal,
): Promise<PackDirectory> {
  const tail = await readTail(context, key, magic.packEnd, "directory", signal);
  const directory = new PackDirectory(tail.lastBox, tail.seal, key);
  if (directory.frameCount !== tail.trailer.count) throw damagedObject(key, "directory and trailer disagree");
  return directory;
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
