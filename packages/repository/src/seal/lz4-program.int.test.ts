import { execFileSync } from "node:child_process";
import { xxhash32 } from "hash-wasm";
import { describe, expect, it } from "vitest";
import { noise } from "../test-repository.ts";
import { compress, decompress } from "./codec.ts";

/**
 * The blocks of our boxes against the stock `lz4` program. It reads and writes frames (LZ4 Frame Format 1.6.2), so the
 * block is wrapped into one, and taken out of one.
 */
const plains: readonly [string, Uint8Array][] = [
  ["text", new Uint8Array(Buffer.from("id, name, amount, note;".repeat(5_000)))],
  ["zeros", new Uint8Array(131_072)],
  ["half noise", new Uint8Array([...noise(60_000, 5), ...new Uint8Array(60_000)])],
  ["overlapping matches", Uint8Array.from({ length: 100_000 }, (_, at) => (at % 3 === 0 ? 7 : at % 7))],
  ["a few bytes", new Uint8Array(Buffer.from("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))],
];

describe("an LZ4 block", () => {
  it.each(plains)("of ours is opened by the lz4 program: %s", async (_, plain) => {
    const block = compress(plain, { codec: "lz4", level: 0 });
    if (block === null) throw new Error("it did not shrink");
    const size = Buffer.alloc(4);
    size.writeUInt32LE(block.length);
    const frame = Buffer.concat([await frameHead(), size, block, Buffer.alloc(4)]);
    expect(Buffer.compare(lz4(["-d", "-c"], frame), plain)).toBe(0);
  });

  it.each(plains)("of the lz4 program is opened by ours: %s", (_, plain) => {
    // -B6: blocks of up to 1 MiB; -9 makes other matches than our own encoder would.
    for (const level of ["-1", "-9"]) {
      const frame = lz4([level, "-B6", "--no-frame-crc", "-c"], plain);
      const stored = frame.readUInt32LE(7);
      const block = frame.subarray(11, 11 + (stored & 0x7fff_ffff));
      expect(stored & 0x8000_0000, "stored as it is").toBe(0);
      expect(Buffer.compare(decompress("lz4", block, plain.length), plain)).toBe(0);
    }
  });
});

/** Magic, version 01 with independent blocks and no checksums, blocks of up to 1 MiB, checksum of these two bytes. */
async function frameHead(): Promise<Buffer> {
  const descriptor = Buffer.from([0x60, 0x60]);
  const checksum = (Number.parseInt(await xxhash32(descriptor, 0), 16) >>> 8) & 0xff;
  return Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18]), descriptor, Buffer.from([checksum])]);
}

function lz4(options: readonly string[], input: Uint8Array): Buffer {
  return execFileSync("lz4", options, { input, maxBuffer: 16 * 1024 * 1024 });
}
