import { AppError, crc32c } from "@tidemark/kit";
import type { ObjectFacts, ObjectStore } from "@tidemark/storage";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { Magic } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import { assertVersion, damagedObject, ObjectSeal, type SealFacts } from "./object-seal.ts";
import { openBox } from "./sealed-box.ts";

/** The last 80 bytes of a pack or manifest: where its last box (directory or index) is, and how to open it. */
export interface ObjectTrailer extends SealFacts {
  readonly lastBoxOffset: number;
  readonly lastBoxBytes: number;
  /** Frames of a pack, chunks of a manifest. */
  readonly count: number;
}

export const trailerBytes = 80;

export function encodeTrailer(magic: Magic, trailer: ObjectTrailer): Uint8Array {
  const writer = new ByteWriter(trailerBytes)
    .u64(trailer.lastBoxOffset)
    .u32(trailer.lastBoxBytes)
    .u32(trailer.count)
    .fixedText(trailer.keyId, 32)
    .bytes(trailer.salt)
    .u16(trailer.formatVersion)
    .u16(trailer.keyId === "" ? 0 : 1);
  return writer.u32(crc32c(writer.view())).fixedText(magic, 8).take();
}

export function decodeTrailer(bytes: Uint8Array, magic: Magic, key: string): ObjectTrailer {
  const reader = new ByteReader(bytes);
  const lastBoxOffset = reader.u64();
  const lastBoxBytes = reader.u32();
  const count = reader.u32();
  const keyId = reader.fixedText(32);
  const salt = new Uint8Array(reader.bytes(16));
  const version = reader.u16();
  reader.u16();
  const crcMatches = reader.u32() === crc32c(bytes.subarray(0, trailerBytes - 12));
  if (!crcMatches || reader.fixedText(8) !== magic) throw damagedObject(key, "it does not end as it should");
  assertVersion({ version, keyId, magic }, key);
  return { formatVersion: version, lastBoxOffset, lastBoxBytes, count, keyId, salt };
}

/** The trailer of an object of known length, with one small request; null when it is gone or does not end as it should. */
export async function readTrailer(store: ObjectStore, facts: ObjectFacts, magic: Magic): Promise<ObjectTrailer | null> {
  const { key, sizeBytes } = facts;
  if (sizeBytes < trailerBytes) return null;
  try {
    return decodeTrailer(await getRange(store, key, sizeBytes - trailerBytes, trailerBytes), magic, key);
  } catch (error) {
    const lost = error instanceof AppError && (error.code === "object-damaged" || error.code === "object-missing");
    if (lost || error instanceof RangeError) return null;
    throw error;
  }
}

export interface ObjectTail {
  readonly sizeBytes: number;
  readonly trailer: ObjectTrailer;
  readonly seal: ObjectSeal;
  /** The opened directory or index. */
  readonly lastBox: Uint8Array;
}

/**
 * Reads trailer and last box of an object, in one request unless the box is large. Throws `object-missing`,
 * `object-damaged`, or what the store says when it could not be asked.
 */
export async function readTail(
  context: RepositoryContext,
  key: string,
  magic: Magic,
  part: "directory" | "index",
  signal?: AbortSignal,
): Promise<ObjectTail> {
  const facts = await context.store.stat(key);
  if (facts === null) throw new AppError("object-missing", { message: `${key} is missing`, context: { key } });
  const { sizeBytes } = facts;
  if (sizeBytes < trailerBytes) throw damagedObject(key, `it has only ${sizeBytes} bytes`);
  const from = Math.max(0, sizeBytes - tailBytes);
  const tail = await getRange(context.store, key, from, sizeBytes - from, signal);
  try {
    const trailer = decodeTrailer(tail.subarray(tail.length - trailerBytes), magic, key);
    const { lastBoxOffset, lastBoxBytes } = trailer;
    if (lastBoxOffset + lastBoxBytes + trailerBytes !== sizeBytes)
      throw damagedObject(key, "its trailer points elsewhere");
    const stored =
      lastBoxOffset >= from
        ? tail.subarray(lastBoxOffset - from, tail.length - trailerBytes)
        : await getRange(context.store, key, lastBoxOffset, lastBoxBytes, signal);
    const seal = new ObjectSeal(context, key, trailer);
    return { sizeBytes, trailer, seal, lastBox: openBox(stored, seal.part(part, 0)) };
  } catch (error) {
    throw error instanceof AppError
      ? error
      : damagedObject(key, `its ${part} cannot be opened: ${String(error)}`, error);
  }
}

/** Enough for the trailer and most directories: one of a pack of table data (800 frames, with their pieces) has 90 KiB. */
const tailBytes = 128 * 1024;

export async function getRange(
  store: ObjectStore,
  key: string,
  offset: number,
  length: number,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const bytes = await store.get(key, { range: { offset, length }, ...(signal === undefined ? {} : { signal }) });
  if (bytes.length !== length) throw damagedObject(key, `${bytes.length} of ${length} bytes were read`);
  return bytes;
}
