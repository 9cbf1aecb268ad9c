import type { ByteWriter } from "../bytes/byte-writer.ts";
import { extentKinds } from "./extent-table.ts";

/** Where stored bytes lie. */
export interface RunPlace {
  readonly packId: string;
  readonly frameIndex: number;
  readonly offsetInFrame: number;
}

/**
 * The runs of a backup that are not in its manifest yet, a row of numbers for each. An increment has two for each page that
 * changed somewhere, and they wait for frames that threads work on: as objects they lived long enough to be taken for lasting.
 */
export class RunTable {
  /** Runs that were begun and are not in the manifest yet, the parent's among them. */
  waiting = 0;
  #numbers = new Float64Array(firstRows * columns);
  #fingerprints = new Uint8Array(firstRows * fingerprintBytes);
  #rows = 0;
  readonly #free: number[] = [];
  readonly #packIds: string[] = [];
  readonly #packNumbers = new Map<string, number>();

  /** A row for a run that is not finished. */
  begin(): number {
    const row = this.#free.pop() ?? this.#rows++;
    if (row * columns === this.#numbers.length) this.#grow();
    this.#numbers[row * columns + column.kind] = unfinished;
    return row;
  }

  /** The row is somebody else's from now on. */
  release(row: number): void {
    this.#free.push(row);
  }

  isFinished(row: number): boolean {
    return this.#number(row, column.kind) !== unfinished;
  }

  isZeros(row: number): boolean {
    return this.#number(row, column.kind) === extentKinds.zeros;
  }

  lengthOf(row: number): number {
    return this.#number(row, column.length);
  }

  crcOf(row: number): number {
    return this.#number(row, column.crc);
  }

  frameIndexOf(row: number): number {
    return this.#number(row, column.frame);
  }

  packIdOf(row: number): string {
    return this.#packIds[this.#number(row, column.pack)] ?? "";
  }

  finishZeros(row: number, lengthBytes: number): void {
    this.#numbers[row * columns + column.kind] = extentKinds.zeros;
    this.#numbers[row * columns + column.length] = lengthBytes;
  }

  /** `fingerprint` null: of these bytes by themselves it is not known. */
  finish(row: number, place: RunPlace, sum: { lengthBytes: number; crc32c: number }, fingerprint: Uint8Array | null) {
    const at = row * columns;
    this.#numbers[at + column.kind] = fingerprint === null ? extentKinds.bare : extentKinds.whole;
    this.#numbers[at + column.pack] = this.#packNumber(place.packId);
    this.#numbers[at + column.frame] = place.frameIndex;
    this.#numbers[at + column.offset] = place.offsetInFrame;
    this.#numbers[at + column.length] = sum.lengthBytes;
    this.#numbers[at + column.crc] = sum.crc32c;
    for (let index = 0; fingerprint !== null && index < fingerprintBytes; index++) {
      this.#fingerprints[row * fingerprintBytes + index] = fingerprint[index] as number;
    }
  }

  /** Writes a run as a record has it, with the number its pack has there (which zeros do not have). */
  writeRun(row: number, packNumber: number, writer: ByteWriter): void {
    const kind = this.#number(row, column.kind);
    writer.u8(kind);
    if (kind === extentKinds.zeros) {
      writer.varint(this.lengthOf(row));
      return;
    }
    writer.varint(packNumber).varint(this.frameIndexOf(row)).varint(this.#number(row, column.offset));
    writer.varint(this.lengthOf(row)).u32(this.crcOf(row));
    const at = row * fingerprintBytes;
    if (kind === extentKinds.whole) writer.part(this.#fingerprints, at, at + fingerprintBytes);
  }

  #packNumber(packId: string): number {
    const known = this.#packNumbers.get(packId);
    if (known !== undefined) return known;
    this.#packNumbers.set(packId, this.#packIds.length);
    return this.#packIds.push(packId) - 1;
  }

  #number(row: number, which: number): number {
    return this.#numbers[row * columns + which] ?? 0;
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
    const fingerprints = new Uint8Array(this.#fingerprints.length * 2);
    fingerprints.set(this.#fingerprints);
    this.#fingerprints = fingerprints;
  }
}

/** Some rows of a table, in the file's order. */
export interface OwnRuns {
  readonly runs: RunTable;
  readonly rows: readonly number[];
}

const unfinished = -1;
const column = { kind: 0, pack: 1, frame: 2, offset: 3, length: 4, crc: 5 } as const;
const columns = 6;
const fingerprintBytes = 16;
const firstRows = 1024;
