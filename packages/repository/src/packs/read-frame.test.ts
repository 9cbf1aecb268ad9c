import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { frameBytes } from "../format.ts";
import { noise } from "../test-repository.ts";
import type { FrameInspector, FrameOutcome } from "../types.ts";
import { loadFingerprinter } from "./frame-kernel.ts";
import { FrameMemory } from "./frame-memory.ts";
import { FramePool } from "./frame-pool.ts";
import { openFrame } from "./open-frame.ts";
import { readFrame } from "./read-frame.ts";

const sealing = { key: new Uint8Array(32), nonce: new Uint8Array(12), additionalData: new Uint8Array(3) };
const compression = { codec: "zstd", level: 1 } as const;
const content = noise(5 * frameBytes, 3);
let folder: string;
let path: string;
let fd: number;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "read-frame-"));
  path = join(folder, "file");
  writeFileSync(path, content);
  fd = openSync(path, "r");
});

afterEach(() => {
  closeSync(fd);
  rmSync(folder, { recursive: true });
});

function job(fileOffset: number, lengthBytes: number, parentFingerprint: Uint8Array | null = null) {
  const plain = new FrameMemory().plain.subarray(0, lengthBytes);
  const parts = [{ lengthBytes, fileOffset, parentFingerprint, inspect: null }];
  return { plain, read: { fd }, parts, sealing, fingerprintSeed: new Uint8Array(8), compression };
}

async function read(fileOffset: number, lengthBytes: number, inspector?: FrameInspector): Promise<FrameOutcome> {
  const room = new FrameMemory().room;
  return readFrame(job(fileOffset, lengthBytes), await loadFingerprinter(new Uint8Array(8)), inspector, room);
}

function opened(outcome: FrameOutcome): Buffer {
  if (outcome.kind !== "encoded") throw new Error(`the frame is ${outcome.kind}`);
  const { plainBytes, crc32c } = outcome;
  const result = openFrame({ stored: new Uint8Array(outcome.stored), sealing, plainBytes, crc32c });
  if (result.kind !== "plain") throw new Error(result.reason);
  return Buffer.from(result.plain);
}

describe("a frame that its thread reads", () => {
  it("is what the file has at its place", async () => {
    const outcome = await read(2 * frameBytes, 1000);
    expect(opened(outcome).equals(content.subarray(2 * frameBytes, 2 * frameBytes + 1000))).toBe(true);
  });

  it("is zeros where the file has become shorter, and nothing but a fact when all of it is", async () => {
    truncateSync(path, frameBytes + 10);
    const bytes = opened(await read(frameBytes, 4096));
    expect(bytes.equals(Buffer.concat([content.subarray(frameBytes, frameBytes + 10), Buffer.alloc(4086)]))).toBe(true);
    expect(await read(2 * frameBytes, frameBytes)).toEqual({ kind: "zeros", parts: [] });
  });

  it("stores and describes what a second reading put in, and keeps what the inspector found", async () => {
    const second = noise(100, 9);
    const outcome = await read(0, 8192, (bytes, _inspect, _fileOffset, readAgain) => {
      const writing = openSync(path, "r+");
      writeSync(writing, second, 0, second.length, 50);
      closeSync(writing);
      bytes.set(readAgain?.() ?? new Uint8Array(0));
      return [17];
    });
    const wanted = Buffer.from(content.subarray(0, 8192));
    wanted.set(second, 50);
    // Opening checks the CRC-32C as well.
    expect(opened(outcome).equals(wanted)).toBe(true);
    const fingerprint = (await loadFingerprinter(new Uint8Array(8)))(wanted);
    expect(outcome.parts).toMatchObject([{ findings: [17], fingerprint }]);
  });

  it("goes through a pool with others, each with its own outcome, in the order of the questions", async () => {
    const pool = new FramePool({ threads: 2 });
    const known = (await loadFingerprinter(new Uint8Array(8)))(content.subarray(3 * frameBytes, 4 * frameBytes));
    truncateSync(path, 4 * frameBytes);
    const jobs = Array.from({ length: 20 }, (_, index) =>
      job((index % 5) * frameBytes, frameBytes, index % 5 === 3 ? known : null),
    );
    const outcomes = await Promise.all(jobs.map((each) => pool.encode(each)));
    for (const [index, outcome] of outcomes.entries()) {
      const place = index % 5;
      expect(outcome.kind).toBe(place === 3 ? "unchanged" : place === 4 ? "zeros" : "encoded");
      if (place > 2) continue;
      const wanted = content.subarray(place * frameBytes, (place + 1) * frameBytes);
      expect(opened(outcome).equals(wanted)).toBe(true);
    }
    await pool.close();
    await expect(pool.encode(job(0, 10))).rejects.toMatchObject({ code: "internal" });
  });

  it("fails alone when it cannot be read, with what the system says", async () => {
    const pool = new FramePool({ threads: 1 });
    const unreadable = { ...job(0, 10), read: { fd: 1_000_000 } };
    const encoded = [job(0, 10), unreadable, job(10, 10)].map((each) => pool.encode(each));
    const outcomes = await Promise.allSettled(encoded);
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    await expect(encoded[1]).rejects.toMatchObject({ code: "EBADF" });
    await pool.close();
  });
});
