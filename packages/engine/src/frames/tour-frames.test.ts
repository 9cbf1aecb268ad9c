import type { FrameSource, StoredRange } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { TargetThread } from "../restore/target-thread.ts";
import { VerifyThread } from "../verify/verify-thread.ts";
import { type FrameBatch, fetchBatch, type LostFrames } from "./tour-frames.ts";

const frame = (frameIndex: number, placeCount: number) => ({
  frameIndex,
  at: 0,
  storedBytes: 1,
  number: frameIndex,
  plainBytes: 1,
  crc32c: 0,
  placeCount,
});
const seals = { key: null, place: "a pack" };
const unreadable: FrameBatch = {
  packId: "pck_1",
  stored: { path: "/nowhere/at/all", offset: 0, lengthBytes: 10 },
  seals,
  frames: [frame(4, 1), frame(9, 2)],
  places: Uint32Array.from({ length: 24 }, (_, word) => word),
};

describe("a batch that a thread cannot read itself", () => {
  it("is answered as unread, by restores and verifications", () => {
    const write = { kind: "write" as const, batch: unreadable, files: new Map() };
    expect(new TargetThread().answer(write)).toEqual({ kind: "unread" });
    const verify = { kind: "verify" as const, batch: unreadable, tier: "whole" as const, inspections: new Map() };
    expect(new VerifyThread().answer(verify)).toBeNull();
  });

  it("is fetched through the store, with the places it had, and what is lost is said", async () => {
    const asked: unknown[] = [];
    const source: Partial<FrameSource> = {
      async *readStored(packId, frameIndexes): AsyncGenerator<StoredRange> {
        asked.push([packId, frameIndexes]);
        yield { kind: "stored", bytes: new Uint8Array(5), seals, frames: [frame(9, 0)] };
        yield { kind: "damaged", frameIndexes: [4], code: "pack-damaged", reason: "it is" };
      },
    };
    const visited: FrameBatch[] = [];
    const lost: LostFrames[] = [];
    const visitor = {
      visit: async (batch: FrameBatch) => void visited.push(batch),
      lost: async (frames: LostFrames) => void lost.push(frames),
    };
    const signal = new AbortController().signal;
    await fetchBatch({ frames: source as FrameSource, signal }, unreadable, visitor);
    expect(asked).toEqual([["pck_1", [4, 9]]]);
    expect(visited).toMatchObject([
      { packId: "pck_1", stored: new Uint8Array(5), frames: [{ frameIndex: 9, placeCount: 2 }] },
    ]);
    expect(visited[0]?.places).toEqual(unreadable.places.subarray(8, 24));
    expect(lost[0]).toMatchObject({ frameIndexes: [4], reason: "it is" });
    expect(lost[0]?.places.range(4)).toEqual({ from: 0, to: 1 });
  });

  it("is not fetched any more once the act was cancelled", async () => {
    const source: Partial<FrameSource> = {
      async *readStored(): AsyncGenerator<StoredRange> {
        yield { kind: "stored", bytes: new Uint8Array(5), seals, frames: [] };
      },
    };
    const visitor = { visit: () => Promise.reject(new Error("it was visited")), lost: () => Promise.resolve() };
    const signal = AbortSignal.abort();
    const fetching = fetchBatch({ frames: source as FrameSource, signal }, unreadable, visitor);
    await expect(fetching).rejects.toMatchObject({ code: "cancelled" });
  });
});
