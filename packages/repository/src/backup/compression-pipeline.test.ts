import type { Clock } from "@tidemark/kit";
import { MemoryStore, type ObjectStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { createRepository, openRepository } from "../open-repository.ts";
import { boxCodecs, parseCompression } from "../seal/compression.ts";
import { testKey } from "../test-repository.ts";
import type { FrameEncoder, FrameJob, FrameOutcome } from "../types.ts";

/** A clock that only the slow side moves, so that what waits for it is all there is to measure. */
class HandClock implements Clock {
  #ms = 0;
  now(): Date {
    return new Date(Date.UTC(2026, 0, 1) + this.#ms);
  }
  monotonicMs(): number {
    return this.#ms;
  }
  pass(ms: number): void {
    this.#ms += ms;
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** As if a frame had 4 MiB: a pack is full after a few, and what they hold is looked at by nobody. */
const storedFrame = new Uint8Array(4 * 1024 * 1024 + 1).subarray(1);

class CountingEncoder implements FrameEncoder {
  readonly pipelineDepth = 4;
  readonly jobs: FrameJob[] = [];
  readonly #work: () => Promise<void>;

  constructor(work: () => Promise<void>) {
    this.#work = work;
  }

  async encode(job: FrameJob): Promise<FrameOutcome> {
    this.jobs.push(job);
    await this.#work();
    const fingerprint = new Uint8Array(16);
    const parts = job.parts.map(() => ({ unchanged: false, crc32c: 0, fingerprint, findings: [] }));
    const encoded = { kind: "encoded", stored: storedFrame, plainBytes: job.plain.length, crc32c: 0 } as const;
    return { ...encoded, fingerprint, parts, pieceCrcs: new Uint32Array(0) };
  }

  async close(): Promise<void> {
    return;
  }
}

/** Packs take their time and go nowhere; everything else is stored. */
function slowStore(store: MemoryStore, putPack: () => Promise<void>): ObjectStore {
  return new Proxy<ObjectStore>(store, {
    get(target, name) {
      if (name !== "put") {
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      }
      return async (key: string, body: Uint8Array | AsyncIterable<Uint8Array>, options?: object) => {
        if (!key.includes("/packs/") || body instanceof Uint8Array) return target.put(key, body, options);
        let sizeBytes = 0;
        for await (const chunk of body) sizeBytes += chunk.length;
        await putPack();
        return { sizeBytes };
      };
    },
  });
}

/** The compression of each frame of a backup of about `frames` frames. */
async function codecsOf(
  setting: string,
  frames: number,
  slow: { putPack?: (clock: HandClock) => Promise<void>; encode?: (clock: HandClock) => Promise<void> },
): Promise<string[]> {
  const clock = new HandClock();
  const memory = new MemoryStore();
  await (await createRepository(memory, { encryption: testKey })).close();
  const store = slowStore(memory, async () => slow.putPack?.(clock));
  const compression = parseCompression(setting);
  const repository = await openRepository(store, { key: testKey, compression, clock });
  const encoder = new CountingEncoder(async () => slow.encode?.(clock));
  const area = repository.area("srv_1");
  const writer = await area.beginBackup({ backupId: "bkp_1", parentId: null, startedAt: clock.now(), encoder });
  const sizeBytes = BigInt(frames * 131_072);
  const path = new TextEncoder().encode("base/1");
  const file = await writer.addFile({ path, mode: 0o600, sizeBytes, modifiedAt: clock.now() });
  const frame = new Uint8Array(131_072).fill(7);
  for (let at = 0; at < frames; at++) await file.write(frame);
  await file.end();
  await writer.drain();
  await writer.abort();
  await repository.close();
  return encoder.jobs.map((job) => `${job.compression.codec}:${job.compression.level}`);
}

describe("the compression of a backup's frames", () => {
  it("rises under auto while packs wait for the store", async () => {
    const slow = async (clock: HandClock): Promise<void> => {
      await turns(60);
      clock.pass(10_000);
    };
    const codecs = await codecsOf("auto", 200, { putPack: slow });
    expect(codecs[0]).toBe("zstd:1");
    expect(codecs.at(-1)).toBe("zstd:9");
  });

  it("falls under auto to lz4 while frames wait for the encoders", async () => {
    const slow = async (clock: HandClock): Promise<void> => {
      await turns(2);
      clock.pass(100);
    };
    const codecs = await codecsOf("auto", 100, { encode: slow });
    expect(codecs[0]).toBe("zstd:1");
    expect(codecs.at(-1)).toBe("lz4:0");
  });

  it.each(["zstd:4", "gzip:6", "lz4", "none"])("stays what it was set to: %s", async (setting) => {
    const slow = async (clock: HandClock): Promise<void> => {
      await turns(60);
      clock.pass(10_000);
    };
    const used = new Set(await codecsOf(setting, 40, { putPack: slow }));
    expect(used.size).toBe(1);
    expect(Object.keys(boxCodecs)).toContain([...used][0]?.split(":")[0]);
  });
});
