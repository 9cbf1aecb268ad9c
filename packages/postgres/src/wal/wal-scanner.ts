import type { Lsn } from "../files/lsn.ts";
import { higherLimits, type ServerLimits } from "../files/server-limits.ts";
import { walSegmentStart } from "../files/wal-segment.ts";
import { decodeParameterChangeData, decodeRestorePointData } from "./decode-server-records.ts";
import { decodeTransactionData, transactionKind } from "./decode-transaction.ts";
import { blockFlags, bodyIds } from "./record-body.ts";
import { lsnOf, RecordFramer } from "./record-framer.ts";
import { recordHeaderBytes } from "./record-header.ts";
import { RelationSet } from "./relation-set.ts";
import { serverInfo } from "./resource-managers.ts";
import type { WalCommit, WalRestorePoint, WalSegmentFactsLike } from "./wal-facts.ts";
import { dateOfTimestamp } from "./wal-time.ts";
import { type WalVersion, walVersionOf } from "./wal-versions.ts";

export interface WalScannerOptions {
  readonly major: number;
  readonly segmentSizeBytes: number;
  readonly timeline: number;
  /** Where the first byte pushed lies: the start of a segment. */
  readonly startLsn: bigint;
  /**
   * Whole pages from the end of the segment before. A record that begins there and reaches into the first segment is told
   * with that one's facts then. Bytes that are no WAL, or another's, are passed over.
   */
  readonly before?: Uint8Array | null;
}

/**
 * Goes from header to header and gathers what is said of each segment; made for the receiver, which pushes what it
 * streams. No CRC is computed: back-links and page headers are compared. Nothing that is pushed makes it throw: where it
 * loses the records it goes on at the next segment, and the facts say so (`problem`).
 */
export class WalScanner {
  readonly #framer: RecordFramer;
  readonly #version: WalVersion;
  readonly #compressedBits: number;
  readonly #relations = new RelationSet();
  readonly #closed: WalSegmentFactsLike[] = [];
  #lastCommit: WalCommit | null = null;
  #facts = emptyFacts();
  /** The end of the last record of the segment, as halves: a bigint for each took a third of the time. -1: none. */
  #endHigh = -1;
  #endLow = 0;
  #mainAt = 0;
  #mainBytes = 0;

  constructor(options: WalScannerOptions) {
    this.#version = walVersionOf(options.major);
    const { pglz, lz4, zstd } = this.#version.image;
    this.#compressedBits = pglz | lz4 | zstd;
    const startLsn = walSegmentStart(options.startLsn as Lsn, options.segmentSizeBytes);
    const before = options.before ?? new Uint8Array(0);
    const beginLsn = startLsn - BigInt(before.length);
    this.#framer = new RecordFramer({ ...options, startLsn: beginLsn, keepBytes: bytesToKeep, goesOn: true });
    if (before.length === 0) return;
    this.push(before);
    this.#closed.length = 0;
    this.#lastCommit = null;
  }

  /** The newest commit seen, in the order of the WAL. */
  get lastCommit(): WalCommit | null {
    return this.#lastCommit;
  }

  /** The position of the next byte to push. */
  get position(): Lsn {
    return this.#framer.position;
  }

  /** Takes the next bytes, cut anywhere; they are not kept. */
  push(bytes: Uint8Array): void {
    const framer = this.#framer;
    framer.feed(bytes);
    for (let found = framer.next(); found !== null; found = framer.next()) {
      if (found === "segment-end") this.#closeSegment();
      else this.#takeRecord();
    }
  }

  /**
   * The facts of the oldest whole segment not yet taken; when there is none, what is known so far of the one in the
   * making, whose counting then begins anew. To be asked once each segment has been pushed.
   */
  takeFacts(): WalSegmentFactsLike {
    if (this.#closed.length === 0) this.#closeSegment();
    return this.#closed.shift() as WalSegmentFactsLike;
  }

  #closeSegment(): void {
    this.#closed.push({
      ...this.#facts,
      lastRecordEnd: this.#endHigh < 0 ? null : lsnOf(this.#endHigh, this.#endLow),
      relations: this.#relations.names(),
      problem: this.#framer.takeProblem(),
    });
    // The receiver takes them one by one; nobody may take them at all, and then memory must stay what it is.
    if (this.#closed.length > closedLimit) this.#closed.shift();
    this.#relations.clear();
    this.#endHigh = -1;
    this.#facts = emptyFacts();
  }

  #takeRecord(): void {
    const { rmgr, info } = this.#framer;
    this.#endHigh = this.#framer.recordEndHigh;
    this.#endLow = this.#framer.recordEndLow;
    this.#walkHeaders();
    if (rmgr === 1) this.#takeTransaction(info);
    else if (rmgr === 0 && (info & 0xf0) === serverInfo.restorePoint) this.#takeRestorePoint();
    else if (rmgr === 0 && (info & 0xf0) === serverInfo.parameterChange) this.#takeParameterChange();
  }

  /** Passes the block references, notes their relations, and finds the main data. */
  #walkHeaders(): void {
    const { bytes, view, at, keptBytes, totalBytes } = this.#framer;
    const { hasHole } = this.#version.image;
    const kept = at + keptBytes;
    const end = at + totalBytes;
    let promised = 0;
    let pos = at + recordHeaderBytes;
    this.#mainAt = end;
    this.#mainBytes = 0;
    // The longest header of a block has 25 bytes; the last part kept of a damaged record is not looked at.
    while (end - pos > promised && pos + 2 <= kept) {
      const id = bytes[pos] as number;
      if (id === bodyIds.shortData) {
        this.#foundMain(pos + 2, promised, bytes[pos + 1] as number);
        return;
      }
      if (pos + 5 > kept) return;
      if (id === bodyIds.longData) {
        this.#foundMain(pos + 5, promised, view.getUint32(pos + 1, true));
        return;
      }
      if (id === bodyIds.origin) pos += 3;
      else if (id === bodyIds.topXid) pos += 5;
      else if (id > bodyIds.lastBlock) return;
      else {
        const flags = bytes[pos + 1] as number;
        promised += view.getUint16(pos + 2, true);
        pos += 4;
        if ((flags & blockFlags.hasImage) !== 0) {
          if (pos + 5 > kept) return;
          const image = bytes[pos + 4] as number;
          promised += view.getUint16(pos, true);
          pos += (image & hasHole) !== 0 && (image & this.#compressedBits) !== 0 ? 7 : 5;
        }
        if ((flags & blockFlags.sameRelation) === 0) {
          if (pos + 12 > kept) return;
          this.#relations.add(view.getUint32(pos, true), view.getUint32(pos + 4, true), view.getUint32(pos + 8, true));
          pos += 12;
        }
        pos += 4;
      }
    }
  }

  #foundMain(headersEnd: number, blockBytes: number, mainBytes: number): void {
    this.#mainAt = headersEnd + blockBytes;
    this.#mainBytes = mainBytes;
  }

  /** Null when it is not all there. */
  #mainData(): Uint8Array | null {
    const { bytes, at, keptBytes } = this.#framer;
    const end = this.#mainAt + this.#mainBytes;
    return end <= at + keptBytes ? bytes.subarray(this.#mainAt, end) : null;
  }

  #takeTransaction(info: number): void {
    const kind = transactionKind(info);
    if (kind !== "commit" && kind !== "commit-prepared") return;
    const main = this.#mainData();
    if (main === null || main.length < 8) return;
    const { view, xid } = this.#framer;
    const commit: WalCommit = {
      at: dateOfTimestamp(view.getBigInt64(this.#mainAt, true)),
      lsn: this.#framer.recordEndLsn,
      xid: kind === "commit" ? xid : (decodeTransactionData(main, info, xid, this.#version)?.xid ?? xid),
    };
    this.#facts.firstCommit ??= commit;
    this.#facts.lastCommit = commit;
    this.#facts.commitCount++;
    this.#lastCommit = commit;
  }

  #takeRestorePoint(): void {
    const main = this.#mainData();
    const point = main === null ? null : decodeRestorePointData(main);
    if (point !== null) {
      this.#facts.restorePoints.push({ ...point, lsn: this.#framer.recordEndLsn });
    }
  }

  #takeParameterChange(): void {
    const main = this.#mainData();
    const change = main === null ? null : decodeParameterChangeData(main);
    if (change !== null) this.#facts.limits = higherLimits(change, this.#facts.limits);
  }
}

interface OpenFacts {
  limits: ServerLimits | null;
  firstCommit: WalCommit | null;
  lastCommit: WalCommit | null;
  commitCount: number;
  restorePoints: WalRestorePoint[];
}

function emptyFacts(): OpenFacts {
  return { firstCommit: null, lastCommit: null, commitCount: 0, restorePoints: [], limits: null };
}

const closedLimit = 64;

/** Whole records of the server and of transactions, and of others what their block references can take up. */
function bytesToKeep(rmgr: number, totalBytes: number): number {
  return rmgr <= 1 ? totalBytes : Math.min(totalBytes, blockHeadersBytes);
}

/** 33 references of 25 bytes each, and what stands before the main data. */
const blockHeadersBytes = recordHeaderBytes + 33 * 25 + 16;
