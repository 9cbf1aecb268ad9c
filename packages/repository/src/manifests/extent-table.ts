import type { ByteReader } from "../bytes/byte-reader.ts";
import type { ByteWriter } from "../bytes/byte-writer.ts";
import type { Extent, ExtentRows } from "../types.ts";

/**
 * The extents of one record, or of a file, without an object for each. An increment takes over a server's whole manifest but
 * for what changed, and a restore goes over it four times: as objects that was a third of an increment's garbage (133 MB for
 * 1.9 GiB) and half of what restoring an increment took longer than restoring a full (measured 2026-11).
 */
export class ExtentTable implements ExtentRows {
  count = 0;
  readonly #packIds: readonly string[];
  /** `columns` for each extent. */
  #numbers = new Float64Array(0);
  #fingerprints = new Uint8Array(0);

  constructor(packIds: readonly string[]) {
    this.#packIds = packIds;
  }

  /** Of one record alone: see `add`. */
  static of(body: ByteReader, fileOffset: number, packIds: readonly string[]): ExtentTable {
    const table = new ExtentTable(packIds);
    table.add(body, fileOffset);
    return table;
  }

  /** Adds those of a record; `fileOffset` is where its first extent begins. Throws a RangeError when the record is damaged. */
  add(body: ByteReader, fileOffset: number): void {
    const count = body.varint();
    if (count > body.left) throw new RangeError("there are fewer extents than the record says");
    this.#reserve(this.count + count);
    let begin = fileOffset;
    for (let left = count; left > 0; left--) begin = this.#read(body, this.count++, begin);
  }

  /** Makes room for another file's. */
  clear(): void {
    this.count = 0;
  }

  #reserve(rows: number): void {
    if (rows * columns <= this.#numbers.length) return;
    const room = Math.max(rows, this.count * 2);
    const [numbers, fingerprints] = [this.#numbers, this.#fingerprints];
    this.#numbers = new Float64Array(room * columns);
    this.#fingerprints = new Uint8Array(room * fingerprintBytes);
    this.#numbers.set(numbers.subarray(0, this.count * columns));
    this.#fingerprints.set(fingerprints.subarray(0, this.count * fingerprintBytes));
  }

  #read(body: ByteReader, index: number, begin: number): number {
    const numbers = this.#numbers;
    const at = index * columns;
    const kind = body.u8();
    if (kind > extentKinds.bare) throw new RangeError(`extents of kind ${kind} are unknown`);
    numbers[at + column.kind] = kind;
    numbers[at + column.begin] = begin;
    if (kind !== extentKinds.zeros) {
      const pack = body.varint();
      if (pack >= this.#packIds.length) throw new RangeError("an extent points to a pack beyond the table");
      numbers[at + column.pack] = pack;
      numbers[at + column.frame] = body.varint();
      numbers[at + column.offset] = body.varint();
    }
    const end = begin + body.varint();
    numbers[at + column.end] = end;
    if (kind === extentKinds.zeros) return end;
    numbers[at + column.crc] = body.u32();
    if (kind === extentKinds.whole) body.copyInto(this.#fingerprints, index * fingerprintBytes, fingerprintBytes);
    return end;
  }

  isZeros(index: number): boolean {
    return this.#number(index, column.kind) === extentKinds.zeros;
  }

  hasFingerprint(index: number): boolean {
    return this.#number(index, column.kind) === extentKinds.whole;
  }

  /** Where in the file the extent begins, and where the next one does. */
  beginOf(index: number): number {
    return this.#number(index, column.begin);
  }

  endOf(index: number): number {
    return this.#number(index, column.end);
  }

  /** Of a run, as the following. */
  packIdOf(index: number): string {
    return this.#packIds[this.#number(index, column.pack)] ?? "";
  }

  frameIndexOf(index: number): number {
    return this.#number(index, column.frame);
  }

  offsetInFrameOf(index: number): number {
    return this.#number(index, column.offset);
  }

  crcOf(index: number): number {
    return this.#number(index, column.crc);
  }

  /** All of them. They keep nothing of the table. */
  extents(): Extent[] {
    // One buffer for all fingerprints: a buffer of 16 bytes costs some 200.
    const fingerprints = this.#fingerprints.slice(0, this.count * fingerprintBytes);
    return Array.from({ length: this.count }, (_, index) => this.#extent(index, fingerprints, index));
  }

  extent(index: number): Extent {
    return this.#extent(index, this.#fingerprints.slice(index * fingerprintBytes, (index + 1) * fingerprintBytes), 0);
  }

  #extent(index: number, fingerprints: Uint8Array, slot: number): Extent {
    const fileOffset = BigInt(this.beginOf(index));
    const lengthBytes = this.endOf(index) - this.beginOf(index);
    if (this.isZeros(index)) return { kind: "zeros", fileOffset, lengthBytes: BigInt(lengthBytes) };
    const at = slot * fingerprintBytes;
    return {
      kind: "frame",
      fileOffset,
      packId: this.packIdOf(index),
      frameIndex: this.frameIndexOf(index),
      offsetInFrame: this.offsetInFrameOf(index),
      lengthBytes,
      crc32c: this.crcOf(index),
      fingerprint: this.hasFingerprint(index) ? fingerprints.subarray(at, at + fingerprintBytes) : null,
    };
  }

  /** Writes a run as a record has it, with the number its pack has there. */
  writeRun(index: number, packNumber: number, writer: ByteWriter): void {
    const kind = this.#number(index, column.kind);
    writer.u8(kind).varint(packNumber).varint(this.frameIndexOf(index)).varint(this.offsetInFrameOf(index));
    writer.varint(this.endOf(index) - this.beginOf(index)).u32(this.crcOf(index));
    const at = index * fingerprintBytes;
    if (kind === extentKinds.whole) writer.part(this.#fingerprints, at, at + fingerprintBytes);
  }

  #number(index: number, which: number): number {
    return this.#numbers[index * columns + which] ?? 0;
  }
}

/** Runs of a table, `from` to before `to`, that a file takes over as they are. */
export interface CarriedRuns {
  readonly table: ExtentTable;
  readonly from: number;
  readonly to: number;
}

/** The first byte of an extent in a record: see docs/repository-format.md, "Manifests". */
export const extentKinds = { zeros: 0, whole: 1, bare: 2 } as const;
const column = { kind: 0, begin: 1, end: 2, pack: 3, frame: 4, offset: 5, crc: 6 } as const;
const columns = 7;
const fingerprintBytes = 16;
