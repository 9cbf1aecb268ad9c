import { crc32c } from "@tidemark/kit";
import { pageHeaderBytes, walPageBytes } from "./page-header.ts";
import { walMagicOf } from "./wal-versions.ts";

export interface BuiltRecord {
  readonly rmgr: number;
  readonly info?: number;
  readonly xid?: number;
  /** All behind the record's header. */
  readonly body?: Uint8Array;
}

/** Writes WAL as the server does, byte for byte where a reader can tell; for what real servers do only by accident. */
export class WalBuilder {
  readonly segmentBytes: number;
  timeline: number;
  readonly #major: number;
  readonly #startLsn: bigint;
  #bytes = new Uint8Array(0);
  #at = 0;
  #last = 0n;

  constructor(options: { major?: number; segmentBytes?: number; timeline?: number; startLsn?: bigint } = {}) {
    this.#major = options.major ?? 18;
    this.segmentBytes = options.segmentBytes ?? 1 << 20;
    this.timeline = options.timeline ?? 1;
    this.#startLsn = options.startLsn ?? 0x1_fff0_0000n;
  }

  get startLsn(): bigint {
    return this.#startLsn;
  }

  /** Where the next record will begin, if it begins on this page. */
  get lsn(): bigint {
    return this.#startLsn + BigInt(this.#at);
  }

  /** Everything written so far, with zeros up to the segment's end. */
  segments(): Uint8Array[] {
    const count = Math.ceil(this.#at / this.segmentBytes);
    this.#reserve(count * this.segmentBytes);
    return Array.from({ length: count }, (_, index) =>
      this.#bytes.subarray(index * this.segmentBytes, (index + 1) * this.segmentBytes),
    );
  }

  /** Its LSN and its end. */
  add(record: BuiltRecord): { readonly lsn: bigint; readonly endLsn: bigint } {
    this.#beginPage(0);
    const lsn = this.lsn;
    this.#write(this.#encode(record), Number.POSITIVE_INFINITY);
    this.#last = lsn;
    const endLsn = this.#align();
    return { lsn, endLsn };
  }

  /** As add, but only the part on its first page and `pages` more is written, as a crash leaves it; then it is overwritten. */
  addUnfinished(record: BuiltRecord, pages = 0): void {
    this.#beginPage(0);
    const overwritten = this.lsn;
    this.#write(this.#encode(record), pages);
    this.#beginPage(8);
    const body = new Uint8Array(18);
    body.set([255, 16]);
    new DataView(body.buffer).setBigUint64(2, overwritten, true);
    this.add({ rmgr: 0, info: 0xd0, body });
  }

  /** XLOG_SWITCH, and zeros to the segment's end. */
  addSwitch(): void {
    this.add({ rmgr: 0, info: 0x40 });
    const next = Math.ceil(this.#at / this.segmentBytes) * this.segmentBytes;
    this.#reserve(next);
    this.#at = next;
  }

  /** Fills up to `left` bytes before the page's end, if that is possible with a record. */
  fillPage(left: number): void {
    this.#beginPage(0);
    const free = walPageBytes - (this.#at % walPageBytes) - left;
    if (free >= 32) this.add({ rmgr: 10, body: mainData(new Uint8Array(free - 24 - 5)) });
  }

  #encode(record: BuiltRecord): Uint8Array {
    const body = record.body ?? new Uint8Array(0);
    const bytes = new Uint8Array(24 + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, bytes.length, true);
    view.setUint32(4, record.xid ?? 0, true);
    view.setBigUint64(8, this.#last, true);
    bytes[16] = record.info ?? 0;
    bytes[17] = record.rmgr;
    bytes.set(body, 24);
    view.setUint32(20, crc32c(bytes.subarray(0, 20), crc32c(body)), true);
    return bytes;
  }

  #write(bytes: Uint8Array, pages: number): void {
    let done = 0;
    for (let page = 0; done < bytes.length && page <= pages; page++) {
      if (this.#at % walPageBytes === 0) this.#header(1, bytes.length - done);
      const take = Math.min(bytes.length - done, walPageBytes - (this.#at % walPageBytes));
      this.#reserve(this.#at + take);
      this.#bytes.set(bytes.subarray(done, done + take), this.#at);
      this.#at += take;
      done += take;
    }
  }

  #beginPage(flags: number): void {
    if (this.#at % walPageBytes === 0) this.#header(flags, 0);
  }

  #header(flags: number, remaining: number): void {
    const isFirst = this.#at % this.segmentBytes === 0;
    const at = this.#at;
    this.#reserve(at + walPageBytes);
    const view = new DataView(this.#bytes.buffer, at);
    view.setUint16(0, walMagicOf(this.#major), true);
    view.setUint16(2, flags | (isFirst ? 2 : 0), true);
    view.setUint32(4, this.timeline, true);
    view.setBigUint64(8, this.lsn, true);
    view.setUint32(16, remaining, true);
    if (isFirst) {
      view.setBigUint64(24, 7_000_000_000_000_000_001n, true);
      view.setUint32(32, this.segmentBytes, true);
      view.setUint32(36, walPageBytes, true);
    }
    this.#at += pageHeaderBytes(at % this.segmentBytes);
  }

  #align(): bigint {
    this.#at = (this.#at + 7) & ~7;
    return this.lsn;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(bytes, this.#bytes.length * 2, this.segmentBytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

/** A body with nothing but main data. */
export function mainData(bytes: Uint8Array): Uint8Array {
  const body = new Uint8Array(5 + bytes.length);
  body[0] = 254;
  new DataView(body.buffer).setUint32(1, bytes.length, true);
  body.set(bytes, 5);
  return body;
}

/** A commit at so many milliseconds of Unix time. */
export function commitRecord(xid: number, atMs: number): BuiltRecord {
  const body = new Uint8Array(10);
  body.set([255, 8]);
  new DataView(body.buffer).setBigInt64(2, BigInt(atMs - 946_684_800_000) * 1000n, true);
  return { rmgr: 1, xid, body };
}

/** An image of a page of the relation, followed by nothing. */
export function imageRecord(relNumber: number, imageBytes = 8000): BuiltRecord {
  const body = new Uint8Array(25 + imageBytes);
  const view = new DataView(body.buffer);
  body[1] = 0x10;
  view.setUint16(4, imageBytes, true);
  view.setUint16(6, 100, true);
  body[8] = 1;
  view.setUint32(9, 1663, true);
  view.setUint32(13, 5, true);
  view.setUint32(17, relNumber, true);
  return { rmgr: 0, info: 0xb0, body };
}
