import { combineCrc32c } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { PendingFile } from "../backup/entry-queue.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { extentsPerRecord } from "../format.ts";
import type { Extent } from "../types.ts";
import { ExtentTable } from "./extent-table.ts";
import { type RecordedExtents, readExtentsRecord, writeExtents } from "./manifest-records.ts";
import type { ManifestWriter } from "./manifest-writer.ts";

const packIds = ["pck_one", "pck_two", "pck_three"];

/** Runs with and without a fingerprint, and zeros, one behind the other. */
function someExtents(count: number): Extent[] {
  let at = 0;
  return Array.from({ length: count }, (_, index): Extent => {
    const fileOffset = BigInt(at);
    const lengthBytes = 8192 * (1 + (index % 16));
    at += lengthBytes;
    if (index % 7 === 3) return { kind: "zeros", fileOffset, lengthBytes: BigInt(lengthBytes) };
    return {
      kind: "frame",
      fileOffset,
      packId: packIds[index % 3] ?? "",
      frameIndex: index % 4096,
      offsetInFrame: (index % 5) * 8192,
      lengthBytes,
      crc32c: (index * 2_654_435_761) >>> 0,
      fingerprint: index % 2 === 0 ? new Uint8Array(16).fill(index % 256) : null,
    };
  });
}

function record(extents: RecordedExtents): Uint8Array {
  const writer = new ByteWriter();
  writeExtents(writer, extents, (packId) => packIds.indexOf(packId));
  return writer.take();
}

function tableOf(extents: readonly Extent[]): ExtentTable {
  return new ExtentTable(new ByteReader(record(extents)), Number(extents[0]?.fileOffset ?? 0n), packIds);
}

describe("a table of extents", () => {
  it("holds what its record says, and runs of it are written as they were", () => {
    const extents = someExtents(500);
    const table = tableOf(extents);
    expect(Array.from({ length: table.count }, (_, index) => table.extent(index))).toEqual(extents);
    const [first, second] = [extents.slice(4, 10), extents.slice(0, 2)];
    const bytes = record([...second, { table, from: 4, to: 10 }]);
    const read = readExtentsRecord(new ByteReader(bytes), 0n, packIds);
    const place = (extent: Extent) => ({ ...extent, fileOffset: 0n });
    expect(read.map(place)).toEqual([...second, ...first].map(place));
  });

  it("refuses a record that ends early, and a pack beyond the manifest's table", () => {
    const bytes = record(someExtents(20));
    for (const length of [1, 5, bytes.length - 1]) {
      expect(() => new ExtentTable(new ByteReader(bytes.subarray(0, length)), 0, packIds)).toThrow(RangeError);
    }
    expect(() => new ExtentTable(new ByteReader(bytes), 0, packIds.slice(0, 2))).toThrow(RangeError);
  });

  it("goes through a file in whole records, whatever comes between its runs", () => {
    const extents = someExtents(3000).filter(({ kind }) => kind === "frame");
    const records: RecordedExtents[] = [];
    const manifest = { beginFile: () => undefined, addExtents: (one: RecordedExtents) => records.push(one) };
    let endCrc: number | null = null;
    const writer = { ...manifest, endFile: (crc: number) => (endCrc = crc) } as unknown as ManifestWriter;
    const tally = { waiting: 0 };
    const file = { path: new Uint8Array(1), mode: 0o600, sizeBytes: 0n, modifiedAt: new Date(0) };
    const pending = new PendingFile(file, tally);
    const table = tableOf(extents);
    const held = pending.beginRun();
    pending.addCarried({ table, from: 1, to: 1500 });
    const other = pending.beginRun();
    expect(pending.flushTo(writer)).toBe(false);
    for (const [run, index] of [
      [other, 1500],
      [held, 0],
    ] as const) {
      const extent = table.extent(index);
      pending.finishRun(run, { extent, crc32c: table.crcOf(index), findings: [] });
    }
    pending.addCarried({ table, from: 1501, to: table.count });
    expect(pending.flushTo(writer)).toBe(false);
    pending.ended = true;
    expect(pending.flushTo(writer)).toBe(true);
    const written = records.map((one) => readExtentsRecord(new ByteReader(record(one)), 0n, packIds));
    expect(Math.max(...written.map(({ length }) => length))).toBe(extentsPerRecord);
    const placed = (all: readonly Extent[]) => all.map((extent) => ({ ...extent, fileOffset: 0n }));
    expect(placed(written.flat())).toEqual(placed(extents));
    const crc = extents.reduce(
      (sum, extent) => (extent.kind === "zeros" ? sum : combineCrc32c(sum, extent.crc32c, extent.lengthBytes)),
      0,
    );
    expect(endCrc).toBe(crc);
    expect(tally.waiting).toBe(0);
  });
});
