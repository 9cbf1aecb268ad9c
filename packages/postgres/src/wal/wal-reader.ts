import { crc32c } from "@tidemark/kit";
import type { Lsn } from "../files/lsn.ts";
import { parseRecordBody } from "./record-body.ts";
import { RecordFramer } from "./record-framer.ts";
import { recordHeaderBytes } from "./record-header.ts";
import type { WalBlock, WalRecord, WalRecordBody } from "./wal-record.ts";
import { type WalVersion, walVersionOf } from "./wal-versions.ts";

export interface WalReaderOptions {
  readonly major: number;
  readonly segmentSizeBytes: number;
  /** The start of a segment, where the WAL may be amid a record; or the start of a record. */
  readonly startLsn: bigint;
  /** Compare each record's CRC; a wrong one ends the reading. */
  readonly checkCrc: boolean;
  /** Pages of a later timeline end the reading. */
  readonly timeline?: number;
}

/**
 * Walks the records of the WAL of one timeline, fed in order. Memory: one record. A record whose beginning was not given is
 * passed over. Damaged input never throws: the reading ends, and `end` says where and why.
 */
export class WalReader {
  readonly #framer: RecordFramer;
  readonly #version: WalVersion;
  readonly #checkCrc: boolean;
  #end: { readonly lsn: Lsn; readonly reason: string } | null = null;

  constructor(options: WalReaderOptions) {
    this.#version = walVersionOf(options.major);
    this.#checkCrc = options.checkCrc;
    this.#framer = new RecordFramer(options);
  }

  /** Where the records end and why; null while they can be followed. What is pushed afterwards gives nothing. */
  get end(): { readonly lsn: Lsn; readonly reason: string } | null {
    if (this.#end !== null) return this.#end;
    return this.#framer.problem === null ? null : { lsn: this.#framer.position, reason: this.#framer.problem };
  }

  /** The position of the next byte to push. */
  get position(): Lsn {
    return this.#framer.position;
  }

  /**
   * The whole records that end in these bytes, found as they are asked for: ask for all of them before the next push. They
   * keep views of these bytes, so they say the truth only as long as the bytes stay as they are.
   */
  *push(bytes: Uint8Array): Generator<WalRecord, void, undefined> {
    const framer = this.#framer;
    framer.feed(bytes);
    for (let found = framer.next(); found !== null; found = framer.next()) {
      if (found === "segment-end" || this.#end !== null) continue;
      const record = new FramedRecord(framer, this.#version);
      if (this.#checkCrc && !record.isCrcGood()) this.#end = { lsn: record.lsn, reason: "a record's CRC is wrong" };
      else yield record;
    }
  }
}

class FramedRecord implements WalRecord {
  readonly lsn: Lsn;
  readonly endLsn: Lsn;
  readonly prevLsn: Lsn;
  readonly xid: number;
  readonly rmgr: number;
  readonly info: number;
  readonly totalBytes: number;
  readonly crc: number;
  readonly #bytes: Uint8Array;
  readonly #version: WalVersion;
  #body: WalRecordBody | null = null;

  constructor(framer: RecordFramer, version: WalVersion) {
    const { view, at } = framer;
    this.lsn = framer.recordLsn;
    this.endLsn = framer.recordEndLsn;
    this.prevLsn = view.getBigUint64(at + 8, true) as Lsn;
    this.xid = framer.xid;
    this.rmgr = framer.rmgr;
    this.info = framer.info;
    this.totalBytes = framer.totalBytes;
    this.crc = view.getUint32(at + 20, true);
    const bytes = framer.bytes.subarray(at, at + framer.totalBytes);
    this.#bytes = framer.isInPlace ? bytes : bytes.slice();
    this.#version = version;
  }

  /** ValidXLogRecord (xlogreader.c): what is behind the header first, then the header up to the CRC itself. */
  isCrcGood(): boolean {
    const body = crc32c(this.#bytes.subarray(recordHeaderBytes));
    return crc32c(this.#bytes.subarray(0, recordHeaderBytes - 4), body) === this.crc;
  }

  body(): WalRecordBody {
    this.#body ??= parseRecordBody(this.#bytes, this.#version);
    return this.#body;
  }

  blocks(): readonly WalBlock[] {
    return this.body().blocks;
  }
}
