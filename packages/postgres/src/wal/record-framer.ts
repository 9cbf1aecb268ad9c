import { AppError } from "@tidemark/kit";
import type { Lsn } from "../files/lsn.ts";
import { type ExpectedPage, pageFlags, pageHeaderBytes, pageProblem, walPageBytes } from "./page-header.ts";
import { assemblyStep, RecordAssembly } from "./record-assembly.ts";
import { recordHeaderBytes, recordProblem } from "./record-header.ts";
import { walMagicOf } from "./wal-versions.ts";

export interface FramerOptions {
  readonly major: number;
  readonly segmentSizeBytes: number;
  /** The start of a segment, where the WAL may be amid a record; or the start of a record. */
  readonly startLsn: bigint;
  /** Page headers of a later timeline than this are not believed. Default: any timeline. */
  readonly timeline?: number;
  /** How much of a record that does not lie in one piece is kept; default all of it. */
  readonly keepBytes?: (rmgr: number, totalBytes: number) => number;
  /** Go on at the next segment where the records could not be followed, instead of ending there. */
  readonly goesOn?: boolean;
}

/**
 * Cuts the pages of the WAL of one timeline into records. Bytes are fed in order, cut anywhere; between two feeds `next`
 * is asked until it gives null. What the current record is stands in the fields, so that nothing is made for a record
 * that nobody looks at.
 *
 * States: at a page header · between records · amid a record (`#assembly`) · in the rest of a record whose beginning was
 * not given (`#unseen`) · after an XLOG_SWITCH, until the segment's end (`#isPassing`) · lost (`problem`), until the
 * segment's end or for ever.
 */
export class RecordFramer {
  /** The record: `keptBytes` of its `totalBytes` from `at` on in `bytes`. Valid until the next `next` or `feed`. */
  bytes: Uint8Array = nothing;
  view: DataView = new DataView(nothing.buffer);
  at = 0;
  keptBytes = 0;
  totalBytes = 0;
  rmgr = 0;
  info = 0;
  xid = 0;
  /** The record's start and end, as halves (numbers are ten times faster than bigints here). */
  startHigh = 0;
  startLow = 0;
  /** Where and why the records could not be followed; null while they can. */
  problem: string | null = null;

  readonly #expectedPage: ExpectedPage;
  readonly #lastRmgr: number;
  readonly #segmentSize: number;
  readonly #goesOn: boolean;
  readonly #assembly: RecordAssembly;
  readonly #header = new Uint8Array(pageHeaderBytes(0));
  readonly #headerView = new DataView(this.#header.buffer);
  #headerHave = 0;
  #chunk: Uint8Array = nothing;
  #chunkView: DataView = new DataView(nothing.buffer);
  #chunkAt = 0;
  /** Start of the current segment and the place of the next byte in it. */
  #baseHigh: number;
  #baseLow: number;
  #offset: number;
  #isPassing = false;
  #isLost = false;
  /** Nothing is known of what came before: a record may have begun there. */
  #isFirstPage: boolean;
  #unseen = 0;
  /** Start of the record before this one; -1: unknown. */
  #lastHigh = -1;
  #lastLow = 0;

  constructor(options: FramerOptions) {
    this.#expectedPage = {
      magic: walMagicOf(options.major),
      timeline: options.timeline ?? 0xffffffff,
      segmentSizeBytes: options.segmentSizeBytes,
    };
    this.#lastRmgr = options.major >= 15 ? 255 : lastBuiltInRmgr;
    this.#segmentSize = options.segmentSizeBytes;
    this.#goesOn = options.goesOn ?? false;
    this.#assembly = new RecordAssembly(options.keepBytes ?? ((_rmgr, total) => total));
    const offset = Number(options.startLsn % BigInt(options.segmentSizeBytes));
    const base = options.startLsn - BigInt(offset);
    if (offset % 8 !== 0 || (offset % walPageBytes !== 0 && offset % walPageBytes < pageHeaderBytes(offset))) {
      throw new AppError("bad-request", { message: "WAL can be read from a segment's or a record's start only" });
    }
    this.#offset = offset;
    this.#isFirstPage = offset % walPageBytes === 0;
    this.#baseHigh = Number(base >> 32n);
    this.#baseLow = Number(base & 0xffffffffn);
  }

  /** The position of the next byte that `feed` must bring, once `next` has given null. */
  get position(): Lsn {
    return lsnOf(this.#baseHigh, this.#baseLow + this.#offset);
  }

  /** The start of the current record. */
  get recordLsn(): Lsn {
    return lsnOf(this.startHigh, this.startLow);
  }

  /** The end of the current record: where the next may begin; after a switch the segment's end. */
  get recordEndLsn(): Lsn {
    return lsnOf(this.#baseHigh, this.recordEndLow);
  }

  /** Its lower half; 2^32 where the upper one is one more. Without a bigint, for who only wants the last one. */
  get recordEndLow(): number {
    return this.#baseLow + (this.#isPassing ? this.#segmentSize : (this.#offset + 7) & ~7);
  }

  get recordEndHigh(): number {
    return this.#baseHigh;
  }

  /** The current record lies in the bytes that were fed, not in the framer's own, which the next one will take. */
  get isInPlace(): boolean {
    return this.bytes === this.#chunk;
  }

  get isStopped(): boolean {
    return this.#isLost && !this.#goesOn;
  }

  /** `problem`, which is forgotten once the records can be followed again. */
  takeProblem(): string | null {
    const problem = this.problem;
    if (!this.#isLost) this.problem = null;
    return problem;
  }

  /** Gives the next bytes. They are read in place until `next` has given null, so they must not change before. */
  feed(bytes: Uint8Array): void {
    if (this.#chunkAt < this.#chunk.length) {
      throw new AppError("internal", { message: "the WAL reader was fed before it had read what it was given" });
    }
    this.#chunk = bytes;
    this.#chunkView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#chunkAt = 0;
  }

  /** Goes to the next record or over the end of a segment; null: feed more. */
  next(): "record" | "segment-end" | null {
    for (;;) {
      if (this.#offset === this.#segmentSize) return this.#enterNextSegment();
      const left = this.#chunk.length - this.#chunkAt;
      if (left === 0) return null;
      if (this.isStopped) {
        this.#chunkAt = this.#chunk.length;
        return null;
      }
      if (this.#isPassing || this.#isLost) {
        this.#advance(Math.min(left, this.#segmentSize - this.#offset));
        continue;
      }
      const inPage = this.#offset & (walPageBytes - 1);
      if (inPage < pageHeaderBytes(this.#offset)) this.#takePageHeader(left);
      else if (this.#unseen > 0) this.#passUnseen(Math.min(left, walPageBytes - inPage));
      else if (this.#assembly.isOpen) {
        if (this.#assemble(Math.min(left, walPageBytes - inPage))) return "record";
      } else if ((this.#offset & 7) !== 0) this.#advance(Math.min(left, 8 - (this.#offset & 7)));
      else if (this.#beginRecord(left, walPageBytes - inPage)) return "record";
    }
  }

  /** True when the record lies in one piece; otherwise it is put together as its parts come. */
  #beginRecord(left: number, inPage: number): boolean {
    this.startHigh = this.#baseHigh;
    this.startLow = this.#baseLow + this.#offset;
    const at = this.#chunkAt;
    if (left >= recordHeaderBytes && inPage >= recordHeaderBytes) {
      const total = this.#chunkView.getUint32(at, true);
      if (total <= inPage && total <= left) {
        if (!this.#accept(this.#chunk, this.#chunkView, at)) return false;
        this.totalBytes = total;
        this.keptBytes = total;
        this.#advance(total);
        this.#recordEnded();
        return true;
      }
    }
    this.#assembly.begin();
    return false;
  }

  #assemble(available: number): boolean {
    const assembly = this.#assembly;
    this.#advance(assembly.take(this.#chunk, this.#chunkAt, available));
    const step = assembly.step();
    if (step === assemblyStep.more) return false;
    if (step === assemblyStep.header) {
      if (this.#accept(assembly.bytes, assembly.view, 0)) assembly.headerIsGood();
      if (assembly.step() !== assemblyStep.whole) return false;
    }
    this.bytes = assembly.bytes;
    this.view = assembly.view;
    this.at = 0;
    this.totalBytes = assembly.totalBytes;
    this.keptBytes = assembly.keptBytes;
    assembly.end();
    this.#recordEnded();
    return true;
  }

  /** Takes the header at `at` for the current record's; false (and lost) when it cannot be one. */
  #accept(bytes: Uint8Array, view: DataView, at: number): boolean {
    const problem = recordProblem(
      view,
      at,
      this.#lastRmgr,
      this.#lastHigh,
      this.#lastLow,
      this.startHigh,
      this.startLow,
    );
    if (problem !== null) {
      this.#lose(problem);
      return false;
    }
    this.bytes = bytes;
    this.view = view;
    this.at = at;
    this.xid = view.getUint32(at + 4, true);
    this.info = bytes[at + 16] as number;
    this.rmgr = bytes[at + 17] as number;
    return true;
  }

  #recordEnded(): void {
    this.#lastHigh = this.startHigh;
    this.#lastLow = this.startLow;
    this.#isPassing = this.rmgr === 0 && (this.info & 0xf0) === switchInfo;
  }

  #takePageHeader(left: number): void {
    const wanted = pageHeaderBytes(this.#offset);
    if (this.#headerHave === 0 && left >= wanted) {
      this.#readPageHeader(this.#chunkView, this.#chunkAt);
      this.#advance(wanted);
      return;
    }
    const take = Math.min(left, wanted - this.#headerHave);
    this.#header.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + take), this.#headerHave);
    this.#headerHave += take;
    if (this.#headerHave === wanted) {
      this.#headerHave = 0;
      // Read before going on: the address it must hold is that of the page's beginning.
      this.#offset -= wanted - take;
      this.#readPageHeader(this.#headerView, 0);
      this.#offset += wanted - take;
    }
    this.#advance(take);
  }

  #readPageHeader(view: DataView, at: number): void {
    const place = { high: this.#baseHigh, low: this.#baseLow, offset: this.#offset };
    const problem = pageProblem(view, at, this.#expectedPage, place);
    const remaining = view.getUint32(at + 16, true);
    const wrong = problem ?? this.#continueRecord(view.getUint16(at + 2, true), remaining);
    this.#isFirstPage = false;
    if (wrong !== null) this.#lose(wrong);
  }

  /** Compares what the page says of the record that reaches into it with what we have of it; what is wrong, or null. */
  #continueRecord(flags: number, remaining: number): string | null {
    const isContinued = (flags & pageFlags.isContinued) !== 0;
    const awaited = this.#assembly.isOpen ? this.#assembly.missingBytes : this.#unseen;
    if (awaited === 0) {
      if (this.#assembly.isOpen) return "there is no record";
      if (isContinued && !this.#isFirstPage) return "a page continues a record that did not begin";
      if (isContinued) this.#unseen = remaining;
      return null;
    }
    if (!isContinued && (flags & pageFlags.overwrites) !== 0) {
      // A crash left the record unfinished; what follows begins with XLOG_OVERWRITE_CONTRECORD (13.5, 14.1 and later).
      this.#assembly.end();
      this.#unseen = 0;
      return null;
    }
    if (!isContinued) return "a record is not continued on the next page";
    return remaining === awaited ? null : "a page continues another record";
  }

  #passUnseen(available: number): void {
    const take = Math.min(available, this.#unseen);
    this.#unseen -= take;
    this.#advance(take);
  }

  #advance(bytes: number): void {
    this.#chunkAt += bytes;
    this.#offset += bytes;
  }

  #lose(why: string): void {
    this.problem = `${why} (at offset ${this.#offset} of its segment)`;
    this.#isLost = true;
    this.#assembly.end();
    this.#unseen = 0;
  }

  #enterNextSegment(): "segment-end" {
    this.#offset = 0;
    this.#baseLow += this.#segmentSize;
    if (this.#baseLow > 0xffffffff) {
      this.#baseLow = 0;
      this.#baseHigh++;
    }
    this.#isPassing = false;
    if (this.#isLost && this.#goesOn) {
      this.#isLost = false;
      this.#isFirstPage = true;
      this.#lastHigh = -1;
    }
    return "segment-end";
  }
}

const lastBuiltInRmgr = 21;
/** XLOG_SWITCH of the resource manager 0 (src/include/catalog/pg_control.h). */
const switchInfo = 0x40;
const nothing = new Uint8Array(0);

/** From its halves. */
export function lsnOf(high: number, low: number): Lsn {
  return ((BigInt(high) << 32n) + BigInt(low)) as Lsn;
}
