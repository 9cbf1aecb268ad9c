import { combineCrc32c, crc32c } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { PendingFile } from "../backup/entry-queue.ts";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { extentsPerRecord } from "../format.ts";
import type { Extent } from "../types.ts";
import { ExtentTable } from "./extent-table.ts";
import { type RecordedExtents, writeExtents } from "./manifest-records.ts";
import type { ManifestWriter } from "./manifest-writer.ts";
import { RunTable } from "./run-table.ts";

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
  return ExtentTable.of(new ByteReader(record(extents)), Number(extents[0]?.fileOffset ?? 0n), packIds);
}

function read(bytes: Uint8Array): Extent[] {
  return ExtentTable.of(new ByteReader(bytes), 0, packIds).extents();
}

describe("a table of extents", () => {
  it("holds what its record says, and runs of it are written as they were", () => {
    const extents = someExtents(500);
    const table = tableOf(extents);
    expect(Array.from({ length: table.count }, (_, index) => table.extent(index))).toEqual(extents);
    const [first, second] = [extents.slice(4, 10), extents.slice(0, 2)];
    const bytes = record([...second, { table, from: 4, to: 10 }]);
    const taken = read(bytes);
    const place = (extent: Extent) => ({ ...extent, fileOffset: 0n });
    expect(taken.map(place)).toEqual([...second, ...first].map(place));
  });

  it("takes a file's records one behind the other, and another file's rows in their place", () => {
    const extents = someExtents(3000);
    const table = new ExtentTable(packIds);
    for (const file of [extents, extents.slice(0, 40), extents.slice(0, 2000)]) {
      table.clear();
      for (let at = 0; at < file.length; at += 700) {
        table.add(new ByteReader(record(file.slice(at, at + 700))), table.endOf(table.count - 1));
      }
      expect(table.extents()).toEqual(file);
    }
  });

  it("refuses a record that ends early, and a pack beyond the manifest's table", () => {
    const bytes = record(someExtents(20));
    for (const length of [1, 5, bytes.length - 1]) {
      expect(() => ExtentTable.of(new ByteReader(bytes.subarray(0, length)), 0, packIds)).toThrow(RangeError);
    }
    expect(() => ExtentTable.of(new ByteReader(bytes), 0, packIds.slice(0, 2))).toThrow(RangeError);
  });

  it("goes through a file in whole records, whatever comes between its runs", () => {
    const extents = someExtents(3000).filter(({ kind }) => kind === "frame");
    // Rows are used again afterwards.
    const records: Uint8Array[] = [];
    const manifest = { beginFile: () => undefined, addExtents: (one: RecordedExtents) => records.push(record(one)) };
    let endCrc: number | null = null;
    const writer = { ...manifest, endFile: (crc: number) => (endCrc = crc) } as unknown as ManifestWriter;
    const runs = new RunTable();
    const file = { path: new Uint8Array(1), mode: 0o600, sizeBytes: 0n, modifiedAt: new Date(0) };
    const pending = new PendingFile(file, runs);
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
      if (extent.kind === "zeros") throw new Error("there are no zeros among them");
      pending.finishRun(run, extent, extent, { fingerprint: extent.fingerprint, findings: [index] });
    }
    pending.addCarried({ table, from: 1501, to: table.count });
    expect(pending.flushTo(writer)).toBe(false);
    pending.ended = true;
    expect(pending.flushTo(writer)).toBe(true);
    const written = records.map((one) => read(one));
    expect(Math.max(...written.map(({ length }) => length))).toBe(extentsPerRecord);
    const placed = (all: readonly Extent[]) => all.map((extent) => ({ ...extent, fileOffset: 0n }));
    expect(placed(written.flat())).toEqual(placed(extents));
    const crc = extents.reduce(
      (sum, extent) => (extent.kind === "zeros" ? sum : combineCrc32c(sum, extent.crc32c, extent.lengthBytes)),
      0,
    );
    expect(endCrc).toBe(crc);
    expect(pending.result).toEqual({ crc32c: crc, findings: [0, 1500] });
    expect(runs.waiting).toBe(0);
  });

  it("joins zeros that follow each other, and takes the rows of what is written for what comes later", () => {
    const written: Extent[] = [];
    const addExtents = (one: RecordedExtents) => void written.push(...read(record(one)));
    let endCrc: number | null = null;
    const endFile = (crc: number) => (endCrc = crc);
    const writer = { beginFile: () => undefined, addExtents, endFile } as unknown as ManifestWriter;
    const runs = new RunTable();
    const [extent] = someExtents(1);
    if (extent?.kind !== "frame") throw new Error("the first is a run");
    for (const round of [1, 2, 3]) {
      written.length = 0;
      const file = { path: new Uint8Array(1), mode: 0o600, sizeBytes: 0n, modifiedAt: new Date(0) };
      const pending = new PendingFile(file, runs);
      const rows = Array.from({ length: 5000 }, () => pending.beginRun());
      for (const [index, row] of rows.reverse().entries()) {
        if (index === 2500) pending.finishRun(row, extent, extent, { fingerprint: null, findings: [] });
        else pending.finishZeros(row, 8192 * round);
      }
      pending.ended = true;
      expect(pending.flushTo(writer)).toBe(true);
      const lengths = written.map(({ kind, lengthBytes }) => `${kind} ${lengthBytes}`);
      const zeros = (count: number) => `zeros ${count * 8192 * round}`;
      // A record takes 1,024 of them.
      const before = [1024, 1024, 2499 - 2048].map(zeros);
      expect(lengths).toEqual([...before, "frame 8192", ...[3072 - 2500, 1024, 5000 - 4096].map(zeros)]);
      const bytes = Buffer.alloc(8192 * round * 2499);
      const sum = combineCrc32c(crc32c(bytes), extent.crc32c, extent.lengthBytes);
      expect(endCrc).toBe(combineCrc32c(sum, crc32c(Buffer.alloc(8192 * round * 2500)), 8192 * round * 2500));
    }
    expect(runs.begin()).toBeLessThan(5000);
  });
});
