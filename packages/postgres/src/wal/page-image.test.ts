import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { expect, it } from "vitest";
import { pageOfImage, unpackLz4, unpackPglz } from "./page-image.ts";

const hole = { holeOffset: 100, holeBytes: 8192 - 300, isApplied: true };
const plain = Uint8Array.from({ length: 300 }, (_, index) => (index * 7) & 0xff);

function withHole(): Uint8Array {
  const page = new Uint8Array(8192);
  page.set(plain.subarray(0, 100));
  page.set(plain.subarray(100), 8192 - 200);
  return page;
}

it("puts a page's hole back, whatever the compression", () => {
  expect(pageOfImage({ ...hole, bytes: plain, compression: "none" })).toEqual(withHole());
  expect(pageOfImage({ ...hole, bytes: zstdCompressSync(plain), compression: "zstd" })).toEqual(withHole());
  expect(pageOfImage({ ...hole, bytes: lz4Literals(plain), compression: "lz4" })).toEqual(withHole());
});

it("unpacks LZ4's copies, those that overlap themselves and those with long lengths", () => {
  // 3 bytes as they are, then 19 + 5 + 4 from 3 back; then one byte as it is.
  const packed = Uint8Array.of(0x3f, 1, 2, 3, 3, 0, 9, 0x10, 77);
  const expected = [...Array.from({ length: 31 }, (_, index) => (index % 3) + 1), 77];
  expect(unpackLz4(packed, expected.length)).toEqual(Uint8Array.from(expected));
});

it("unpacks pglz's copies, those that overlap themselves and those with long lengths", () => {
  // Control 0b100: two bytes as they are, then 18 + 4 from 2 back.
  expect(unpackPglz(Uint8Array.of(4, 5, 6, 0x0f, 2, 4), 24)).toEqual(
    Uint8Array.from({ length: 24 }, (_, index) => 5 + (index % 2)),
  );
});

it("gives nothing for what cannot be unpacked, and never reads or writes outside", () => {
  const bytes = fc.uint8Array({ maxLength: 400 });
  const compression = fc.constantFrom("pglz" as const, "lz4" as const, "zstd" as const);
  fc.assert(
    fc.property(bytes, compression, (packed, kind) => {
      const page = pageOfImage({ ...hole, bytes: packed, compression: kind });
      expect(page === null || page.length === 8192).toBe(true);
    }),
  );
});

/** A block of one sequence without a copy. */
function lz4Literals(bytes: Uint8Array): Uint8Array {
  const rest = bytes.length - 15;
  return Uint8Array.of(0xf0, ...Array<number>(Math.floor(rest / 255)).fill(255), rest % 255, ...bytes);
}
