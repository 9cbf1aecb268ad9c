import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { noise } from "../test-repository.ts";
import type { FrameJob, FramePart } from "../types.ts";
import { loadFingerprinter } from "./frame-kernel.ts";
import { FrameMemory } from "./frame-memory.ts";
import { FramePool } from "./frame-pool.ts";

const encrypted = { key: new Uint8Array(32), nonce: new Uint8Array(12), additionalData: new Uint8Array(3) };
const part = (lengthBytes: number, parentFingerprint: Uint8Array | null = null): FramePart => ({
  lengthBytes,
  fileOffset: 0,
  parentFingerprint,
  inspect: { relation: "r" },
});
const job = (plain: Uint8Array, parts: readonly FramePart[]): FrameJob => ({
  plain: inMemory(plain),
  parts,
  sealing: encrypted,
  fingerprintSeed: new Uint8Array(8),
  compression: { codec: "zstd", level: 1 },
});
const inMemory = (bytes: Uint8Array): Uint8Array => {
  const memory = new FrameMemory();
  memory.plain.set(bytes);
  return memory.plain.subarray(0, bytes.length);
};
const plain = (): Uint8Array => noise(100_000, 1).fill(65, 50_000);

describe("a frame pool", () => {
  it.each([true, false])("encodes in threads and opens what it encoded (encrypted: %s)", async (isEncrypted) => {
    const pool = new FramePool({ threads: 2 });
    const sealing = isEncrypted ? encrypted : { ...encrypted, key: null };
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => pool.encode({ ...job(plain(), [part(100_000)]), sealing })),
    );
    for (const outcome of outcomes) {
      if (outcome.kind !== "encoded") throw new Error("nothing was encoded");
      expect(outcome.stored.length).toBeLessThan(51_000);
      const opened = await pool.open({
        stored: new Uint8Array(outcome.stored),
        sealing,
        plainBytes: 100_000,
        crc32c: outcome.crc32c,
      });
      expect(opened).toEqual({ kind: "plain", plain: plain() });
    }
    await pool.close();
  });

  it("leaves out the parts of a bundle that the parent has", async () => {
    const pool = new FramePool({ threads: 1 });
    const fingerprint = (await loadFingerprinter(new Uint8Array(8)))(plain().subarray(30_000, 60_000));
    const parts = [part(30_000), part(30_000, fingerprint), part(40_000)];
    const outcome = await pool.encode(job(plain(), parts));
    expect(outcome.parts.map(({ unchanged }) => unchanged)).toEqual([false, true, false]);
    if (outcome.kind !== "encoded") throw new Error("nothing was encoded");
    const { plainBytes, crc32c } = outcome;
    const stored = new Uint8Array(outcome.stored);
    expect(plainBytes).toBe(70_000);
    const opened = await pool.open({ stored, sealing: encrypted, plainBytes, crc32c });
    const kept = Buffer.concat([plain().subarray(0, 30_000), plain().subarray(60_000)]);
    expect(opened.kind === "plain" && Buffer.compare(opened.plain, kept)).toBe(0);
    const whole = (await loadFingerprinter(new Uint8Array(8)))(plain());
    expect((await pool.encode(job(plain(), [part(100_000, whole)]))).kind).toBe("unchanged");
    await pool.close();
  });

  it("runs the inspector of the worker script it was given", async () => {
    const serve = new URL("./serve-frames.ts", import.meta.url).href;
    const source = `import { serveFrames } from ${JSON.stringify(serve)};
      serveFrames((bytes, inspect, fileOffset) => [{ inspect, fileOffset, first: bytes[0] }]);`;
    const workerScript = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const pool = new FramePool({ threads: 1, workerScript });
    const { parts } = await pool.encode(job(new Uint8Array([7, 8]), [part(1), part(1)]));
    const finding = (first: number) => [{ inspect: { relation: "r" }, fileOffset: 0, first }];
    expect(parts.map(({ findings }) => findings)).toEqual([finding(7), finding(8)]);
    await pool.close();
  });

  it("rejects what waits when a worker dies, and goes on with a new one", async () => {
    const serve = new URL("./serve-frames.ts", import.meta.url).href;
    const source = `import { serveFrames } from ${JSON.stringify(serve)};
      serveFrames((bytes) => { if (bytes[0] === 13) process.exit(3); if (bytes[0] === 14) throw new Error("unlucky"); return []; });`;
    const workerScript = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const pool = new FramePool({ threads: 1, workerScript });
    await expect(pool.encode(job(new Uint8Array([13]), [part(1)]))).rejects.toMatchObject({ code: "internal" });
    await expect(pool.encode(job(new Uint8Array([14]), [part(1)]))).rejects.toThrow("unlucky");
    expect((await pool.encode(job(new Uint8Array([15]), [part(1)]))).kind).toBe("encoded");
    await pool.close();
    await expect(pool.encode(job(new Uint8Array([15]), [part(1)]))).rejects.toThrow("closed");
  });

  it("takes another thread for opening, too, once one has had enough to do", async () => {
    const folder = await mkdtemp(join(tmpdir(), "frame-pool-"));
    const begun = join(folder, "begun");
    const serve = new URL("./serve-frames.ts", import.meta.url).href;
    const source = `import { appendFileSync } from "node:fs"; import { serveFrames } from ${JSON.stringify(serve)};
      appendFileSync(${JSON.stringify(begun)}, "x"); serveFrames();`;
    const pool = new FramePool({
      threads: 2,
      workerScript: new URL(`data:text/javascript,${encodeURIComponent(source)}`),
    });
    const outcome = await pool.encode(job(new Uint8Array([7]), [part(1)]));
    if (outcome.kind !== "encoded") throw new Error("nothing was encoded");
    const { crc32c } = outcome;
    const opened = () =>
      pool.open({ stored: new Uint8Array(outcome.stored), sealing: encrypted, plainBytes: 1, crc32c });
    for (let frame = 0; frame < 192; frame++) await opened();
    expect(await readFile(begun, "utf8")).toBe("x");
    await Promise.all([opened(), opened()]);
    expect(await readFile(begun, "utf8")).toBe("xx");
    await pool.close();
    await rm(folder, { recursive: true });
  });

  it("leaves idle threads to the next pool of its script, and takes none that died or has work", async () => {
    const folder = await mkdtemp(join(tmpdir(), "frame-pool-"));
    const begun = join(folder, "begun");
    const serve = new URL("./serve-frames.ts", import.meta.url).href;
    const source = `import { appendFileSync } from "node:fs"; import { serveFrames } from ${JSON.stringify(serve)};
      appendFileSync(${JSON.stringify(begun)}, "x");
      serveFrames((bytes) => { if (bytes[0] === 13) process.exit(3); return []; });`;
    const workerScript = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
    const next = () => new FramePool({ threads: 1, workerScript, keepsThreads: true });
    const shared = inMemory(plain());
    for (const turn of [1, 2, 3]) {
      const pool = next();
      const frame = { ...job(new Uint8Array(0), [part(100_000)]), plain: shared };
      expect(await pool.encode(frame), `${turn}`).toMatchObject({ kind: "encoded", plainBytes: 100_000 });
      await pool.close();
    }
    expect(await readFile(begun, "utf8")).toBe("x");
    const third = next();
    await expect(third.encode(job(new Uint8Array([13]), [part(1)]))).rejects.toMatchObject({ code: "internal" });
    await third.close();
    const fourth = next();
    expect((await fourth.encode(job(new Uint8Array([7]), [part(1)]))).kind).toBe("encoded");
    expect(await readFile(begun, "utf8")).toBe("xx");
    const unanswered = Array.from({ length: 8 }, () => fourth.encode(job(new Uint8Array([7]), [part(1)])));
    const failed = Promise.allSettled(unanswered);
    await fourth.close();
    await failed;
    const fifth = next();
    await fifth.encode(job(new Uint8Array([7]), [part(1)]));
    expect(await readFile(begun, "utf8")).toBe("xxx");
    await fifth.close();
    await rm(folder, { recursive: true });
  });

  it("rejects what it was given when no thread can be begun, and nothing else happens", async () => {
    const pool = new FramePool({ threads: 1, workerScript: new URL("https://127.0.0.1/none.ts") });
    await expect(pool.encode(job(plain(), [part(100_000)]))).rejects.toThrow();
    await pool.close();
  });

  it("rejects what cannot be sent, and is idle again", async () => {
    const pool = new FramePool({ threads: 1 });
    const sendable = job(plain(), [part(100_000)]);
    const unsendable = { ...sendable, parts: [{ ...part(100_000), inspect: () => "a function" }] };
    await expect(pool.encode(unsendable)).rejects.toThrow("could not be cloned");
    expect((await pool.encode(sendable)).kind).toBe("encoded");
    await pool.close();
  });
});
