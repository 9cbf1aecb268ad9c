import { randomBytes } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { ZstdLines } from "./zstd-lines.ts";

const text = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(new SharedArrayBuffer(length));
  return bytes.map((_, index) => 97 + (((index * (seed + 3)) >>> 3) % 23));
};

function compress(lines: ZstdLines, plain: Uint8Array, level: number): Promise<Uint8Array | null> {
  return new Promise((resolve, reject) => {
    lines.compress(plain, level, (error, packed) => {
      if (error === null) resolve(packed === null ? null : packed.slice());
      else reject(error);
    });
  });
}

describe("zstd beside this thread", () => {
  it("gives one whole frame for each block, however many are asked for at once", async () => {
    const lines = new ZstdLines();
    const blocks = Array.from({ length: 40 }, (_, index) => text(index % 7 === 0 ? 5_000 : 131_072, index));
    const packed = await Promise.all(blocks.map((block) => compress(lines, block, 1)));
    for (const [index, block] of blocks.entries()) {
      expect(Buffer.compare(zstdDecompressSync(packed[index] ?? new Uint8Array(0)), block)).toBe(0);
    }
  });

  it("is as small as the one-shot function, whatever the level was before", async () => {
    const lines = new ZstdLines();
    for (const level of [1, 9, 3, 1]) {
      const plain = text(131_072, level);
      const oneShot = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: level } });
      expect((await compress(lines, plain, level))?.length).toBeLessThanOrEqual(oneShot.length + 16);
    }
  });

  it("says when a block does not become smaller, and goes on", async () => {
    const lines = new ZstdLines();
    const noise = new Uint8Array(randomBytes(131_072));
    const some = [noise, text(131_072, 1), noise, noise, text(131_072, 2)];
    const packed = await Promise.all(some.map((block) => compress(lines, block, 1)));
    expect(packed.map((bytes) => bytes === null)).toEqual([true, false, true, true, false]);
  });
});
