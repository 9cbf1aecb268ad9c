import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BatchBytes } from "./batch-bytes.ts";
import type { FrameBatch } from "./tour-frames.ts";

const stored = Buffer.alloc(5_000_000).map((_, index) => (index * 31 + (index >> 9)) & 0xff);
/** Where frames begin, from byte 1,000 on: gaps between them, one longer than what is read in one go. */
const lengths = [300_000, 700_000, 5, 1_500_000, 1_000_000, 24_576, 1_048_576];
const gapBytes = 33;

function batchOf(path: string): FrameBatch {
  let at = 0;
  const frames = lengths.map((storedBytes, frameIndex) => {
    const frame = { frameIndex, at, storedBytes, number: 0, plainBytes: 1, crc32c: 0, placeCount: 0 };
    at += storedBytes + gapBytes;
    return frame;
  });
  const file = { path, offset: 1_000, lengthBytes: at - gapBytes };
  return { packId: "pck_1", stored: file, seals: { key: null, place: "" }, frames, places: new Uint32Array(0) };
}

describe("the bytes of a batch that a thread reads itself", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidemark-batch-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("are those of each frame, whatever is read in one go", async () => {
    const path = join(folder, "pack");
    await writeFile(path, stored);
    const batch = batchOf(path);
    const bytes = new BatchBytes();
    for (const wanted of [batch.frames, batch.frames.slice(2, 6), batch.frames.filter((_, index) => index % 2 === 1)]) {
      const seen = bytes.with({ ...batch, frames: wanted }, (windowOf) =>
        wanted.map(({ at, storedBytes }, number) => {
          const window = windowOf(number);
          return Buffer.from(window.bytes.subarray(at - window.from, at - window.from + storedBytes));
        }),
      );
      for (const [number, { at, storedBytes }] of wanted.entries())
        expect(Buffer.compare(seen?.[number] ?? stored, stored.subarray(1_000 + at, 1_000 + at + storedBytes))).toBe(0);
    }
  });

  it("are null as a whole when the last of them cannot be read, and what else goes wrong is thrown", async () => {
    const path = join(folder, "short");
    await writeFile(path, stored);
    await truncate(path, 4_000_000);
    const bytes = new BatchBytes();
    let asked = 0;
    const result = bytes.with(batchOf(path), (windowOf) => {
      for (; asked < lengths.length; asked++) windowOf(asked);
      return "all";
    });
    expect(result).toBeNull();
    expect(asked).toBe(6);
    expect(() =>
      bytes.with(batchOf(path), () => {
        throw new Error("no room");
      }),
    ).toThrow("no room");
  });
});
