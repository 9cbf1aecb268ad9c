import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { compile } from "../../scripts/build-page-checksum.mjs";
import type { Lsn } from "./lsn.ts";
import { checkPages, pageChecksum } from "./page-checksum.ts";
import { pageChecksumModule } from "./page-checksum-module.ts";

/** src/include/storage/checksum_impl.h, word by word. */
function plainChecksum(page: Buffer, block: number): number {
  const bytes = Buffer.from(page);
  bytes.writeUInt16LE(0, 8);
  const sums = [...baseOffsets];
  const mix = (lane: number, word: number): void => {
    const mixed = ((sums[lane] ?? 0) ^ word) >>> 0;
    sums[lane] = (Math.imul(mixed, 16_777_619) ^ (mixed >>> 17)) >>> 0;
  };
  for (let at = 0; at < bytes.length; at += 4) mix((at / 4) % 32, bytes.readUInt32LE(at));
  for (let round = 0; round < 2; round++) for (let lane = 0; lane < 32; lane++) mix(lane, 0);
  return ((sums.reduce((folded, sum) => folded ^ sum, block) >>> 0) % 65_535) + 1;
}

/** The same at every run: of pages by chance, one in thousands is not told from its changed copy by 16 bits. */
function noise(length: number, seed: number): Buffer {
  return createHash("shake256", { outputLength: length }).update(String(seed)).digest();
}

describe("the checksum of a page", () => {
  it("is what the WebAssembly text says", async () => {
    expect(await compile()).toBe(pageChecksumModule);
  });

  it("is PostgreSQL's, for every block size and block number", () => {
    for (const blockSize of [1024, 2048, 4096, 8192, 16_384, 32_768]) {
      for (const block of [0, 1, 65_534, 65_535, 131_071, 0x7fff_ffff, 0xffff_fffe]) {
        const page = noise(blockSize, block);
        expect(pageChecksum(page, block)).toBe(plainChecksum(page, block));
      }
    }
  });

  it("is checked for every page of many, however the stretch is cut", () => {
    for (const blockSize of [1024, 8192, 32_768]) {
      const pages = Array.from({ length: 300_000 / blockSize + 2 }, (_, index) => {
        const page = noise(blockSize, index).fill(0, 0, 8);
        page.writeUInt16LE(plainChecksum(page, 77 + index), 8);
        return page;
      });
      const wrong = [0, 3, pages.length - 1];
      for (const index of wrong) pages[index]?.writeUInt8((pages[index]?.readUInt8(500) ?? 0) ^ 1, 500);
      const check = { firstBlock: 77, startLsn: 5n as Lsn, blockSize };
      expect(checkPages(Buffer.concat(pages), check)).toEqual(wrong.map((index) => 77 + index));
    }
  });
});

const baseOffsets = [
  0x5b1f36e9, 0xb8525960, 0x02ab50aa, 0x1de66d2a, 0x79ff467a, 0x9bb9f8a3, 0x217e7cd2, 0x83e13d2c, 0xf8d4474f,
  0xe39eb970, 0x42c6ae16, 0x993216fa, 0x7b093b5d, 0x98daff3c, 0xf718902a, 0x0b1c9cdb, 0xe58f764b, 0x187636bc,
  0x5d7b3bb1, 0xe73de7de, 0x92bec979, 0xcca6c0b2, 0x304a0979, 0x85aa43d4, 0x783125bb, 0x6ca8eaa2, 0xe407eac6,
  0x4b5cfc3e, 0x9fbf8c76, 0x15ca20be, 0xf2ca9fd3, 0x959bd756,
];
