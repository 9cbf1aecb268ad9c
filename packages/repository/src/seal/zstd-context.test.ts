import { randomBytes } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { compressContext, decompressContext, isKeptOutput, isProven } from "./zstd-context.ts";

const text = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => 97 + (((index * (seed + 3)) >>> 3) % 23));

describe("kept zstd contexts", () => {
  it("work with the Node that is brought along", () => {
    expect(isProven()).toBe(true);
  });

  it("give what the one-shot function gives, however often and whatever came before", () => {
    for (const level of [1, 3, 19, 1]) {
      for (const plain of [text(131_072, level), new Uint8Array(randomBytes(131_072)), text(1, 1), text(300_000, 2)]) {
        const packed = compressContext(level).compress(plain);
        const oneShot = zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: level } });
        expect(Buffer.from(packed ?? []).equals(zstdDecompressSync(packed ?? new Uint8Array(0)))).toBe(false);
        expect(zstdDecompressSync(packed ?? new Uint8Array(0)).equals(plain)).toBe(true);
        expect(packed?.length).toBeLessThanOrEqual(oneShot.length + 16);
      }
    }
  });

  it("do not keep the buffer of something large", () => {
    const large = text(3_000_000, 4);
    const packed = compressContext(1).compress(large) ?? new Uint8Array(0);
    expect(isKeptOutput(packed)).toBe(false);
    expect(Buffer.compare(zstdDecompressSync(packed), large)).toBe(0);
    expect(isKeptOutput(compressContext(1).compress(text(300_000, 4)) ?? new Uint8Array(0))).toBe(true);
  });

  it("take memory that threads share", () => {
    const plain = new Uint8Array(new SharedArrayBuffer(8192)).fill(7);
    const packed = compressContext(1).compress(plain)?.slice() ?? new Uint8Array(0);
    const opened = new Uint8Array(new SharedArrayBuffer(8192));
    expect(decompressContext().decompress(packed, opened)).toBe(8192);
    expect(Buffer.compare(opened, plain)).toBe(0);
  });

  it("open frame after frame, and no damaged one spoils the next", () => {
    const plain = text(131_072, 5);
    const packed = zstdCompressSync(plain);
    const flipped = Uint8Array.from(packed, (byte, index) => (index === 40 ? byte ^ 255 : byte));
    const bad: [Uint8Array, number][] = [
      [packed.subarray(0, packed.length - 5), 131_072],
      [flipped, 131_072],
      [packed, 131_071],
      [packed, 131_073],
      [Buffer.concat([packed, packed]), 131_072],
      [new Uint8Array(0), 131_072],
    ];
    for (const [payload, length] of bad) {
      const target = new Uint8Array(length);
      const opened = decompressContext().decompress(payload, target);
      if (opened !== null) expect(Buffer.compare(target, plain)).not.toBe(0);
      const again = new Uint8Array(131_072);
      expect(decompressContext().decompress(packed, again)).toBe(131_072);
      expect(Buffer.compare(again, plain)).toBe(0);
    }
  });
});
