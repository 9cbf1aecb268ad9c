import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32c } from "@tidemark/kit";
import { FilesystemStore, MemoryStore, ReadOnlyStore, ThrottledStore } from "@tidemark/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BoxCodec } from "../seal/compression.ts";
import { partSealing } from "../seal/part-sealing.ts";
import { sealBox } from "../seal/sealed-box.ts";
import { keysOf, newTestRepository, noise, takeTestBackup } from "../test-repository.ts";
import type { FrameSource, PartSeals, StoredFrame } from "../types.ts";
import { checkStoredFrame, FrameOpener } from "./open-frame.ts";
import { RangeReader } from "./range-reader.ts";

const plainOf = (seed: number, length: number): Uint8Array => noise(length, seed).fill(65, length >> 1);

/** Some frames behind each other, as they lie in a pack. */
function rangeOf(seals: PartSeals, plains: readonly Uint8Array[], codec: BoxCodec) {
  const boxes = plains.map((plain, number) =>
    sealBox(plain, partSealing(seals, "frame", number), { codec, level: codec === "lz4" ? 0 : 1 }).slice(),
  );
  let at = 0;
  const frames = boxes.map((box, number): StoredFrame => {
    const plain = plains[number] ?? new Uint8Array(0);
    const frame = {
      frameIndex: number,
      at,
      storedBytes: box.length,
      number,
      plainBytes: plain.length,
      crc32c: crc32c(plain),
    };
    at += box.length;
    return frame;
  });
  return { bytes: new Uint8Array(Buffer.concat(boxes)), frames };
}

describe.each([
  ["encrypted", new Uint8Array(32).fill(3)],
  ["not encrypted", null],
])("an opener of frames, %s", (_, key) => {
  const seals = { key, place: "a pack" };

  it.each(["zstd", "gzip", "lz4", "plain"] as const)(
    "opens %s frames one after another, and a damaged one spoils no other",
    (codec) => {
      const plains = [plainOf(1, 131_072), plainOf(2, 5), plainOf(3, 100_000), plainOf(4, 131_072)];
      const { bytes, frames } = rangeOf(seals, plains, codec);
      const damaged = bytes.slice();
      const third = frames[2]?.at ?? 0;
      damaged[third + 20] = (damaged[third + 20] ?? 0) ^ 1;
      const opener = new FrameOpener();
      for (const range of [bytes, damaged, bytes]) {
        for (const [index, frame] of frames.entries()) {
          const opened = opener.open({ bytes: range, from: 0 }, seals, frame);
          const isDamaged = range === damaged && index === 2;
          expect(opened.kind).toBe(isDamaged ? "damaged" : "plain");
          expect(checkStoredFrame({ bytes: range, from: 0 }, seals, frame) === null).toBe(!isDamaged);
          if (opened.kind === "plain") expect(Buffer.compare(opened.plain, plains[index] ?? bytes)).toBe(0);
        }
      }
    },
  );

  it("knows the checksum of a frame and of any part of it", () => {
    const plain = plainOf(5, 50_000);
    const { bytes, frames } = rangeOf(seals, [plain], "zstd");
    const opener = new FrameOpener();
    for (const frame of frames) {
      for (const inPieces of [false, true]) {
        expect(opener.open({ bytes, from: 0 }, seals, frame, inPieces).kind).toBe("plain");
        for (const [from, to] of [
          [0, 50_000],
          [0, 8192],
          [8192, 24_576],
          [49_152, 50_000],
          [16_384, 50_000],
          [8192, 9000],
          [3, 17],
        ] as const)
          expect(opener.crcOf(from, to)).toBe(crc32c(plain.subarray(from, to)));
        expect(opener.open({ bytes, from: 0 }, seals, { ...frame, crc32c: 1 }, inPieces).kind).toBe("damaged");
      }
    }
  });

  it("refuses a frame that is not what its directory says, or lies about its length", () => {
    const { bytes, frames } = rangeOf(seals, [plainOf(6, 70_000)], "zstd");
    const opener = new FrameOpener();
    for (const frame of frames) {
      for (const wrong of [
        { plainBytes: 69_999 },
        { plainBytes: 70_001 },
        { crc32c: 1 },
        { number: 1 },
        { storedBytes: 3 },
      ])
        expect(opener.open({ bytes, from: 0 }, seals, { ...frame, ...wrong }).kind).toBe("damaged");
      expect(opener.open({ bytes, from: 0 }, seals, frame).kind).toBe("plain");
    }
  });
});

describe("ranges of packs", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "tidemark-ranges-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const backUp = async (store: FilesystemStore | MemoryStore) => {
    const { area } = await newTestRepository({ store });
    await takeTestBackup(area, "bak_1", null, new Map([["base/1", noise(3_000_000, 1)]]));
    const key = (await keysOf(store, "srv_1/packs/"))[0] ?? "";
    return { area, key, packId: key.slice("srv_1/packs/".length) };
  };
  const located = async (frames: FrameSource, packId: string, wanted: readonly number[] | null) => {
    const found = [];
    for await (const range of frames.locateStored(packId, wanted)) found.push(range);
    return found;
  };

  it("are told as parts of a file where the store has files, with the same frames that reading gives", async () => {
    const { area, packId } = await backUp(new FilesystemStore(folder));
    const reader = new RangeReader();
    for (const wanted of [null, [0, 1, 7, 22]]) {
      const read = new Map<number, string>();
      for await (const range of area.frames().readStored(packId, wanted)) {
        if (range.kind !== "stored") throw new Error(range.reason);
        for (const { frameIndex, at, storedBytes } of range.frames)
          read.set(frameIndex, Buffer.from(range.bytes.subarray(at, at + storedBytes)).toString("base64"));
      }
      for (const range of await located(area.frames(), packId, wanted)) {
        if (range.kind !== "located") throw new Error("it is not located");
        const bytes = reader.read(range.file) ?? new Uint8Array(0);
        const opener = new FrameOpener();
        for (const frame of range.frames) {
          expect(opener.open({ bytes, from: 0 }, range.seals, frame).kind).toBe("plain");
          const stored = Buffer.from(bytes.subarray(frame.at, frame.at + frame.storedBytes)).toString("base64");
          expect(read.get(frame.frameIndex)).toBe(stored);
          read.delete(frame.frameIndex);
        }
      }
      expect(read.size).toBe(0);
    }
    expect((await located(area.frames(), packId, [0, 5_000])).map(({ kind }) => kind)).toEqual(["damaged", "located"]);
    expect(await located(area.frames(), "pck_none", [0])).toMatchObject([{ kind: "damaged", code: "pack-missing" }]);
  });

  it("are read through a store without files, and through one that slows its readers down", async () => {
    const { area, packId } = await backUp(new MemoryStore());
    expect((await located(area.frames(), packId, null)).map(({ kind }) => kind)).toEqual(["stored"]);
    const files = new FilesystemStore(folder);
    expect(new ReadOnlyStore(files).fileOf("srv_1/packs/x")).toBe(files.fileOf("srv_1/packs/x"));
    expect(new ReadOnlyStore(new MemoryStore()).fileOf("srv_1/packs/x")).toBeNull();
    expect("fileOf" in new ThrottledStore(files, { readBytesPerSecond: 1 })).toBe(false);
  });

  it("that cannot be read whole are null", async () => {
    const store = new FilesystemStore(join(folder, "short"));
    const { key } = await backUp(store);
    const path = store.fileOf(key);
    await truncate(path, 100_000);
    const reader = new RangeReader();
    expect(reader.read({ path, offset: 50_000, lengthBytes: 50_000 })?.length).toBe(50_000);
    expect(reader.read({ path, offset: 50_000, lengthBytes: 50_001 })).toBeNull();
    expect(reader.read({ path, offset: 0, lengthBytes: 2 ** 40 })).toBeNull();
    await rm(path);
    expect(reader.read({ path, offset: 0, lengthBytes: 1 })).toBeNull();
  });
});
