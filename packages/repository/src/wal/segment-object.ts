import { AppError } from "@tidemark/kit";
import type { ObjectFacts } from "@tidemark/storage";
import { ByteReader } from "../bytes/byte-reader.ts";
import { type Magic, magic, walBlockBytes, walVersion } from "../format.ts";
import { newSeal, type RepositoryContext, sealOf } from "../repository-context.ts";
import { damagedObject, decodePrefix, encodePrefix, ObjectSeal, prefixBytes } from "../seal/object-seal.ts";
import { decodeTrailer, encodeTrailer, getRange, trailerBytes } from "../seal/object-trailer.ts";
import { openBox, sealBox } from "../seal/sealed-box.ts";
import { lentChunks, ObjectBytes } from "./object-bytes.ts";
import {
  decodeHeader,
  decodeIndex,
  encodeHeader,
  encodeIndex,
  type WalHeader,
  type WalIndex,
} from "./segment-facts.ts";

/**
 * A segment, whole or in the making, and a piece of one begin alike (docs/repository-format.md §10): prefix, header, then
 * records of `stored length (4) ‖ offset in the segment (4) ‖ box`. A segment ends with a record without a box, the index
 * and a trailer. `name` is what it is sealed for, which is not always its key.
 */
export interface SegmentBeginning {
  readonly seal: ObjectSeal;
  readonly bytes: Uint8Array;
}

export function beginObject(
  context: RepositoryContext,
  kind: Magic,
  name: string,
  header: WalHeader,
): SegmentBeginning {
  const seal = newSeal(context, name, walVersion);
  const box = sealBox(encodeHeader(header), seal.part("header", 0));
  return { seal, bytes: Buffer.concat([encodePrefix(kind, seal.facts, box.length), box]) };
}

export const recordHeadBytes = 8;

export function recordHead(storedBytes: number, offset: number): Uint8Array {
  const head = new Uint8Array(recordHeadBytes);
  const view = new DataView(head.buffer);
  view.setUint32(0, storedBytes, true);
  view.setUint32(4, offset, true);
  return head;
}

/** What comes behind the last record of a segment whose records end at `at` in the object. */
export function endOfSegment(seal: ObjectSeal, index: WalIndex, records: number, at: number): Uint8Array {
  const box = sealBox(encodeIndex(index), seal.part("index", 0));
  const lastBoxOffset = at + recordHeadBytes;
  const trailer = { ...seal.facts, lastBoxOffset, lastBoxBytes: box.length, count: records };
  const end = recordHead(0, index.boxedBytes);
  return Buffer.concat([end, box, encodeTrailer(magic.walSegmentEnd, trailer)]);
}

/** More than any box of a block is stored in. */
const largestRecordBytes = walBlockBytes + 1024;
/** Of an index: facts name at most 500 relations, and every restore point. */
const largestIndexBytes = 16 * 1024 * 1024;

export interface WalRecordBox {
  readonly offset: number;
  /** Valid until the next record is asked for. */
  readonly stored: Uint8Array;
}

/** An object of WAL, read from its beginning. */
export class WalObjectReader {
  readonly kind: "segment" | "piece";
  readonly header: WalHeader;
  readonly seal: ObjectSeal;
  readonly #bytes: ObjectBytes;

  private constructor(kind: "segment" | "piece", header: WalHeader, seal: ObjectSeal, bytes: ObjectBytes) {
    this.kind = kind;
    this.header = header;
    this.seal = seal;
    this.#bytes = bytes;
  }

  /** `nameOf` a kind: what such an object is sealed for here. Throws `object-damaged` where it does not begin as one. */
  static async open(
    context: RepositoryContext,
    key: string,
    nameOf: (kind: "segment" | "piece") => string,
    signal?: AbortSignal,
  ): Promise<WalObjectReader> {
    const bytes = new ObjectBytes(lentChunks(context.store, key, signal === undefined ? {} : { signal }));
    try {
      const prefix = decodePrefix((await bytes.take(prefixBytes)) ?? new Uint8Array(0), key);
      const kind = prefix.magic === magic.walPiece ? "piece" : "segment";
      const name = nameOf(kind);
      const expected = kind === "piece" ? magic.walPiece : magic.walSegment;
      const seal = sealOf(context, name, prefix, expected);
      const box = prefix.firstBoxBytes > largestRecordBytes ? null : await bytes.take(prefix.firstBoxBytes);
      if (box === null) throw damagedObject(key, "its header is not there");
      return new WalObjectReader(kind, decodeHeader(openBox(box, seal.part("header", 0))), seal, bytes);
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  /** `end`: the record without a box came. Null: the object ends, or goes on as no record does. */
  async next(): Promise<WalRecordBox | { readonly end: number } | null> {
    const head = await this.#bytes.take(recordHeadBytes);
    if (head === null) return null;
    const reader = new ByteReader(head);
    const [storedBytes, offset] = [reader.u32(), reader.u32()];
    if (storedBytes === 0) return { end: offset };
    const stored = storedBytes > largestRecordBytes ? null : await this.#bytes.take(storedBytes);
    return stored === null ? null : { offset, stored };
  }

  /** The index, once `end` came. Throws for what is none. */
  async index(): Promise<WalIndex> {
    const rest = await this.#bytes.rest(largestIndexBytes);
    if (rest === null || rest.length < trailerBytes) throw new RangeError("it does not end as it should");
    decodeTrailer(rest.subarray(rest.length - trailerBytes), magic.walSegmentEnd, "it");
    return decodeIndex(openBox(rest.subarray(0, rest.length - trailerBytes), this.seal.part("index", 0)));
  }

  close(): Promise<void> {
    return this.#bytes.close();
  }
}

export interface StoredIndex extends WalIndex {
  readonly storedBytes: number;
}

/** The index of a segment, read from its end; null when there is no such object. Throws `object-damaged`. */
export async function readIndex(context: RepositoryContext, key: string, name: string): Promise<StoredIndex | null> {
  const facts = await context.store.stat(key);
  if (facts === null) return null;
  try {
    return { ...(await readEnd(context, facts, name)), storedBytes: facts.sizeBytes };
  } catch (error) {
    // Taken back since.
    if (error instanceof AppError && error.code === "object-missing") return null;
    throw error instanceof AppError ? error : damagedObject(key, `its index cannot be opened: ${String(error)}`, error);
  }
}

async function readEnd(context: RepositoryContext, { key, sizeBytes }: ObjectFacts, name: string): Promise<WalIndex> {
  if (sizeBytes < trailerBytes) throw damagedObject(key, `it has only ${sizeBytes} bytes`);
  const from = Math.max(0, sizeBytes - tailBytes);
  const tail = await getRange(context.store, key, from, sizeBytes - from);
  const trailer = decodeTrailer(tail.subarray(tail.length - trailerBytes), magic.walSegmentEnd, key);
  const { lastBoxOffset, lastBoxBytes } = trailer;
  if (lastBoxOffset + lastBoxBytes + trailerBytes !== sizeBytes)
    throw damagedObject(key, "its trailer points elsewhere");
  const box =
    lastBoxOffset >= from
      ? tail.subarray(lastBoxOffset - from, tail.length - trailerBytes)
      : await getRange(context.store, key, lastBoxOffset, lastBoxBytes);
  const seal = new ObjectSeal(context, name, trailer);
  return decodeIndex(openBox(box, seal.part("index", 0)));
}

/** Enough for nearly all indexes: one of 500 relations has 4 KiB compressed. */
const tailBytes = 16 * 1024;
