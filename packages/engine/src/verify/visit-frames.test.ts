import { AppError } from "@tidemark/kit";
import type { FrameSource, ManifestEntry, ManifestReader, OpenedFrame } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { type FrameVisit, visitFrames } from "./visit-frames.ts";

/** `a:1` is frame 1 of pack a; each file is a list of such frames of one byte. */
function manifestOf(files: Record<string, string[]>): ManifestReader & { passes: number } {
  const reader = {
    passes: 0,
    backup: undefined as never,
    packIds: () => Promise.resolve(new Set<string>()),
    async *entries(): AsyncIterable<ManifestEntry> {
      reader.passes++;
      yield { kind: "directory", path: Buffer.from("base"), mode: 0o700 };
      for (const [name, frames] of Object.entries(files)) {
        const extents = frames.map((frame, index) => {
          const [packId = "", number] = frame.split(":");
          const place = { fileOffset: BigInt(index), packId, frameIndex: Number(number), offsetInFrame: 0, crc32c: 0 };
          return { kind: "frame" as const, lengthBytes: 1, fingerprint: new Uint8Array(16), ...place };
        });
        const file = {
          path: Buffer.from(name),
          mode: 0o600,
          sizeBytes: BigInt(frames.length),
          modifiedAt: new Date(0),
          crc32c: 0,
        };
        yield { kind: "file", ...file, extents };
      }
    },
  };
  return reader;
}

function sourceOf(read: (packId: string, frameIndex: number) => OpenedFrame, asked: string[] = []): FrameSource {
  return {
    async *readFrames(packId, frameIndexes) {
      asked.push(`${packId}:${frameIndexes.join(",")}`);
      for (const frameIndex of frameIndexes) yield read(packId, frameIndex);
    },
  };
}

const plain = (_: string, frameIndex: number): OpenedFrame => ({
  kind: "plain",
  frameIndex,
  plain: new Uint8Array(1),
  crc32c: 0,
});
const say = (visit: FrameVisit) =>
  `${visit.packId}:${visit.opened.frameIndex}=${visit.runs.map((run) => `${Buffer.from(run.path)}@${run.fileOffset}`).join("+")}`;
const signal = new AbortController().signal;

describe("visitFrames", () => {
  const files = { x: ["a:0", "b:1", "a:2"], y: ["a:0"], z: ["b:0"] };

  it("asks for each frame once, in pack order, and brings every place it goes to", async () => {
    const asked: string[] = [];
    const seen: string[] = [];
    await visitFrames(
      { manifest: manifestOf(files), frames: sourceOf(plain, asked), signal, packsInFlight: 1 },
      async (visit) => {
        seen.push(say(visit));
      },
    );
    expect(asked).toEqual(["a:0,2", "b:0,1"]);
    expect(seen).toEqual(["a:0=x@0+y@0", "a:2=x@2", "b:0=z@0", "b:1=x@1"]);
  });

  it("takes packs in batches, reading the manifest once per batch", async () => {
    const manifest = manifestOf(files);
    const seen: string[] = [];
    await visitFrames(
      { manifest, frames: sourceOf(plain), signal, packsInFlight: 2, runsPerBatch: 3 },
      async (visit) => {
        seen.push(say(visit));
      },
    );
    expect(seen).toHaveLength(4);
    expect(manifest.passes).toBe(3);
  });

  it("gives the frames of a missing pack as damaged and goes on", async () => {
    const frames = sourceOf((packId, frameIndex) => {
      if (packId === "a") throw new AppError("pack-missing", { message: "pack a is gone" });
      return plain(packId, frameIndex);
    });
    const kinds: string[] = [];
    await visitFrames({ manifest: manifestOf(files), frames, signal, packsInFlight: 1 }, async ({ opened }) => {
      kinds.push(opened.kind);
    });
    expect(kinds).toEqual(["damaged", "damaged", "plain", "plain"]);
  });

  it("throws what could not be asked, and the first failure stops the other packs", async () => {
    const frames = sourceOf((packId, frameIndex) => {
      if (packId === "a") throw new AppError("storage-unreachable", { message: "no answer" });
      return plain(packId, frameIndex);
    });
    const tour = visitFrames({ manifest: manifestOf(files), frames, signal, packsInFlight: 2 }, async () => undefined);
    await expect(tour).rejects.toMatchObject({ code: "storage-unreachable" });
  });

  it("stops when cancelled", async () => {
    const stop = new AbortController();
    const tour = visitFrames(
      { manifest: manifestOf(files), frames: sourceOf(plain), signal: stop.signal, packsInFlight: 1 },
      async () => stop.abort(),
    );
    await expect(tour).rejects.toMatchObject({ code: "cancelled" });
  });
});
