import type { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import type { Extent, NewFile } from "../types.ts";
import type { CarriedRuns } from "./extent-table.ts";
import type { OwnRuns } from "./run-table.ts";

/**
 * The records a manifest's chunks are made of: type (1 byte), length (varint), body. A file is one `file` record, any
 * number of `extents` records and one `end` record, so that no file has to be held as a whole to be written.
 */
export const recordTypes = { directory: 1, symlink: 2, file: 3, extents: 4, end: 5 } as const;

export function directoryRecord(path: Uint8Array, mode: number): Uint8Array {
  return new ByteWriter(64).varint(mode).sized(path).take();
}

export function symlinkRecord(path: Uint8Array, target: string): Uint8Array {
  return new ByteWriter(64).sized(path).sized(Buffer.from(target, "utf8")).take();
}

export function fileRecord(file: NewFile): Uint8Array {
  return new ByteWriter(64)
    .sized(file.path)
    .varint(file.mode)
    .varint(Number(file.sizeBytes))
    .signed(file.modifiedAt.getTime())
    .take();
}

export function endRecord(crc32c: number, runs: number, smallRuns: number): Uint8Array {
  return new ByteWriter(16).u32(crc32c).varint(runs).varint(smallRuns).take();
}

/** Extents, runs that wait in a table and runs that another manifest has, in the file's order. */
export type RecordedExtents = readonly (Extent | OwnRuns | CarriedRuns)[];

/**
 * Writes the body of a record. `packNumber` gives the place of a run's pack in the manifest's table; it is asked once for
 * each run.
 */
export function writeExtents(
  writer: ByteWriter,
  extents: RecordedExtents,
  packNumber: (packId: string, frameIndex: number, lengthBytes: number) => number,
): void {
  writer.varint(extents.reduce((sum, extent) => sum + countOf(extent), 0));
  for (const extent of extents) {
    if ("rows" in extent) {
      const { runs, rows } = extent;
      for (const row of rows) {
        const isZeros = runs.isZeros(row);
        const lengthBytes = runs.lengthOf(row);
        const number = isZeros ? 0 : packNumber(runs.packIdOf(row), runs.frameIndexOf(row), lengthBytes);
        runs.writeRun(row, number, writer);
      }
      continue;
    }
    if ("table" in extent) {
      const { table, from, to } = extent;
      for (let index = from; index < to; index++) {
        const lengthBytes = table.endOf(index) - table.beginOf(index);
        table.writeRun(index, packNumber(table.packIdOf(index), table.frameIndexOf(index), lengthBytes), writer);
      }
      continue;
    }
    if (extent.kind === "zeros") {
      writer.u8(0).varint(Number(extent.lengthBytes));
      continue;
    }
    const { fingerprint } = extent;
    writer
      .u8(fingerprint === null ? 2 : 1)
      .varint(packNumber(extent.packId, extent.frameIndex, extent.lengthBytes))
      .varint(extent.frameIndex);
    writer.varint(extent.offsetInFrame).varint(extent.lengthBytes).u32(extent.crc32c);
    if (fingerprint !== null) writer.bytes(fingerprint);
  }
}

function countOf(extent: RecordedExtents[number]): number {
  if ("rows" in extent) return extent.rows.length;
  return "table" in extent ? extent.to - extent.from : 1;
}

export function readDirectoryRecord(reader: ByteReader): { readonly mode: number; readonly path: Uint8Array } {
  return { mode: reader.varint(), path: new Uint8Array(reader.sized()) };
}

export function readSymlinkRecord(reader: ByteReader): { readonly path: Uint8Array; readonly target: string } {
  return { path: new Uint8Array(reader.sized()), target: Buffer.from(reader.sized()).toString("utf8") };
}

export interface FileRecord {
  readonly path: Uint8Array;
  readonly mode: number;
  readonly sizeBytes: bigint;
  readonly modifiedAt: Date;
}

export function readFileRecord(reader: ByteReader): FileRecord {
  return {
    path: new Uint8Array(reader.sized()),
    mode: reader.varint(),
    sizeBytes: BigInt(reader.varint()),
    modifiedAt: new Date(reader.signed()),
  };
}

/** A run of stored bytes as a record has it, without the objects an `Extent` is made of. */
export type VisitRun = (packNumber: number, frameIndex: number, lengthBytes: number) => void;

/** Goes over the extents of one record and shows the runs. */
export function visitRuns(reader: ByteReader, visit: VisitRun): void {
  for (let left = reader.varint(); left > 0; left--) {
    const kind = reader.u8();
    if (kind > 2) throw new RangeError(`extents of kind ${kind} are unknown`);
    if (kind === 0) {
      reader.varint();
      continue;
    }
    const packNumber = reader.varint();
    const frameIndex = reader.varint();
    reader.varint();
    visit(packNumber, frameIndex, reader.varint());
    reader.bytes(kind === 1 ? 20 : 4);
  }
}

/** What the end of a file says: its CRC-32C and, since version 2, how many runs it has and how many of them are small. */
export interface EndRecord {
  readonly crc32c: number;
  readonly runs: number | null;
  readonly smallRuns: number | null;
}

export function readEndRecord(reader: ByteReader): EndRecord {
  const crc32c = reader.u32();
  if (reader.done) return { crc32c, runs: null, smallRuns: null };
  return { crc32c, runs: reader.varint(), smallRuns: reader.varint() };
}
