import { AppError } from "@tidemark/kit";
import { recordHeaderBytes } from "./record-header.ts";
import type { ImageCompression, WalBlock, WalBlockImage, WalRecordBody } from "./wal-record.ts";
import type { WalVersion } from "./wal-versions.ts";

/** How block references and data begin (src/include/access/xlogrecord.h). */
export const bodyIds = { lastBlock: 32, topXid: 252, origin: 253, longData: 254, shortData: 255 } as const;
/** Bits of a block reference's fork byte. */
export const blockFlags = { fork: 0x0f, hasImage: 0x10, hasData: 0x20, willInit: 0x40, sameRelation: 0x80 } as const;

const pageBytes = 8192;

/**
 * Reads what lies behind the header of a whole record (DecodeXLogRecord, xlogreader.c).
 *
 * @throws AppError `wal-damaged` when the lengths inside do not add up.
 */
export function parseRecordBody(record: Uint8Array, version: WalVersion): WalRecordBody {
  const cursor = new Cursor(record, recordHeaderBytes);
  const headers: BlockHeader[] = [];
  let mainBytes = 0;
  let promised = 0;
  let originId: number | null = null;
  let topXid: number | null = null;
  while (record.length - cursor.at > promised) {
    const id = cursor.u8();
    if (id === bodyIds.shortData || id === bodyIds.longData) {
      mainBytes = id === bodyIds.shortData ? cursor.u8() : cursor.u32();
      promised += mainBytes;
      break; // The main data's length is always the last of the headers.
    }
    if (id === bodyIds.origin) originId = cursor.u16();
    else if (id === bodyIds.topXid) topXid = cursor.u32();
    else if (id > bodyIds.lastBlock) throw damaged(`it has a part of the unknown kind ${id}`);
    else {
      const header = blockHeader(cursor, id, headers.at(-1), version);
      headers.push(header);
      promised += header.dataBytes + (header.image?.bytes ?? 0);
    }
  }
  if (record.length - cursor.at !== promised) throw damaged("its parts are not as long as it says");
  const blocks = headers.map((header) => blockOf(header, cursor));
  return { blocks, mainData: cursor.bytes(mainBytes), originId, topXid };
}

interface ImageHeader {
  readonly bytes: number;
  readonly compression: ImageCompression;
  readonly holeOffset: number;
  readonly holeBytes: number;
  readonly isApplied: boolean;
}

interface BlockHeader extends Omit<WalBlock, "image" | "data"> {
  readonly dataBytes: number;
  readonly image: ImageHeader | null;
}

function blockHeader(cursor: Cursor, id: number, before: BlockHeader | undefined, version: WalVersion): BlockHeader {
  const flags = cursor.u8();
  const dataBytes = cursor.u16();
  const image = (flags & blockFlags.hasImage) === 0 ? null : imageHeader(cursor, version);
  const isSame = (flags & blockFlags.sameRelation) !== 0;
  if (isSame && before === undefined) throw damaged("its first block refers to a block before it");
  const relation =
    isSame && before !== undefined
      ? { spcOid: before.spcOid, dbOid: before.dbOid, relNumber: before.relNumber }
      : { spcOid: cursor.u32(), dbOid: cursor.u32(), relNumber: cursor.u32() };
  return {
    id,
    ...relation,
    fork: flags & blockFlags.fork,
    block: cursor.u32(),
    willInit: (flags & blockFlags.willInit) !== 0,
    dataBytes,
    image,
  };
}

/** XLogRecordBlockImageHeader and, for a compressed image with a hole, XLogRecordBlockCompressHeader. */
function imageHeader(cursor: Cursor, { image: bits }: WalVersion): ImageHeader {
  const bytes = cursor.u16();
  const holeOffset = cursor.u16();
  const info = cursor.u8();
  const hasHole = (info & bits.hasHole) !== 0;
  const compression = compressionOf(info, bits);
  const holeBytes = compression === "none" ? pageBytes - bytes : hasHole ? cursor.u16() : 0;
  if (holeBytes < 0 || holeOffset + holeBytes > pageBytes) throw damaged("the image of a page has a hole beyond it");
  return { bytes, compression, holeOffset, holeBytes, isApplied: (info & bits.apply) !== 0 };
}

function compressionOf(info: number, bits: WalVersion["image"]): ImageCompression {
  if ((info & bits.pglz) !== 0) return "pglz";
  if ((info & bits.lz4) !== 0) return "lz4";
  return (info & bits.zstd) !== 0 ? "zstd" : "none";
}

function blockOf({ dataBytes, image, ...place }: BlockHeader, cursor: Cursor): WalBlock {
  const taken: WalBlockImage | null = image === null ? null : { ...image, bytes: cursor.bytes(image.bytes) };
  return { ...place, image: taken, data: cursor.bytes(dataBytes) };
}

/** Reads forward and never past the end. */
class Cursor {
  at: number;
  readonly #from: Uint8Array;
  readonly #view: DataView;

  constructor(from: Uint8Array, at: number) {
    this.#from = from;
    this.#view = new DataView(from.buffer, from.byteOffset, from.byteLength);
    this.at = at;
  }

  u8(): number {
    return this.#view.getUint8(this.#pass(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#pass(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#pass(4), true);
  }

  bytes(count: number): Uint8Array {
    const at = this.#pass(count);
    return this.#from.subarray(at, at + count);
  }

  #pass(bytes: number): number {
    const at = this.at;
    if (at + bytes > this.#from.length) throw damaged("it ends amid a part");
    this.at = at + bytes;
    return at;
  }
}

export function damaged(why: string): AppError {
  return new AppError("wal-damaged", { message: `a WAL record cannot be read: ${why}` });
}
