import { MemoryStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { digestsOf, keysOf, newTestRepository, noise, readTestBackup, takeTestBackup } from "./test-repository.ts";
import type { OpenedFrame, ServerArea } from "./types.ts";

const files = new Map([
  ["large", noise(600_000, 1)],
  ["small", noise(5_000, 2)],
]);

async function stored(
  encrypted: boolean,
): Promise<{ area: ServerArea; store: MemoryStore; pack: string; manifest: string }> {
  const store = new MemoryStore();
  const { area } = await newTestRepository({ store, encrypted });
  await takeTestBackup(area, "bak_1", null, files);
  const [pack = ""] = await keysOf(store, "srv_1/packs/");
  return { area, store, pack, manifest: "srv_1/backups/bak_1" };
}

async function allFrames(area: ServerArea, pack: string, count: number): Promise<OpenedFrame[]> {
  const frames: OpenedFrame[] = [];
  const indexes = Array.from({ length: count }, (_, index) => index);
  for await (const frame of area.frames().readFrames(pack.slice("srv_1/packs/".length), indexes)) frames.push(frame);
  return frames;
}

describe.each([true, false])("damage in a repository (encrypted: %s)", (encrypted) => {
  it("in a frame is found, and only that frame is lost", async () => {
    const { area, store, pack } = await stored(encrypted);
    const bytes = await store.get(pack);
    const frames = await allFrames(area, pack, 6);
    expect(frames.map(({ kind }) => kind)).toEqual(Array(6).fill("plain"));
    for (const at of [128, 128 + 70_000, 300_000, 500_000]) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 0x10;
      store.overwrite(pack, damaged);
      const found = (await allFrames(area, pack, 6)).filter((frame) => frame.kind === "damaged");
      expect(found).toEqual([
        expect.objectContaining({ code: "pack-damaged", reason: expect.stringContaining("frame") }),
      ]);
    }
  });

  it("anywhere in the sealed parts of a pack is found", { timeout: 60_000 }, async () => {
    const { area, store, pack } = await stored(encrypted);
    const bytes = await store.get(pack);
    // The prefix's copy of salt and key id, and pack and writer ids, serve the collection alone.
    for (let at = 128; at < bytes.length; at += 4_001) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      store.overwrite(pack, damaged);
      await expect(readTestBackup(area, "bak_1"), `byte ${at}`).rejects.toThrow(/damaged/);
    }
  });

  it("that cuts a pack off, or takes it away, is told for every frame", async () => {
    const { area, store, pack } = await stored(encrypted);
    const bytes = await store.get(pack);
    for (const length of [0, 79, 80, 1_000, bytes.length - 1]) {
      store.overwrite(pack, bytes.slice(0, length));
      const frames = await allFrames(area, pack, 6);
      expect(frames.map((frame) => frame.kind === "damaged" && frame.code)).toEqual(Array(6).fill("pack-damaged"));
    }
    await store.delete(pack);
    const frames = await allFrames(area, pack, 2);
    expect(frames.map((frame) => frame.kind === "damaged" && frame.code)).toEqual(Array(2).fill("pack-missing"));
  });

  it("at any byte of a manifest is manifest-damaged or told as a newer format", { timeout: 60_000 }, async () => {
    const { area, store, manifest } = await stored(encrypted);
    const bytes = await store.get(manifest);
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      store.overwrite(manifest, damaged);
      const code = await readTestBackup(area, "bak_1").then(
        () => "unnoticed",
        (error: { code?: string }) => error.code,
      );
      expect(["manifest-damaged", "repository-format-newer"], `byte ${at}: ${code}`).toContain(code);
    }
    for (const length of [0, 63, 64, 500, bytes.length - 1]) {
      store.overwrite(manifest, bytes.slice(0, length));
      await expect(readTestBackup(area, "bak_1")).rejects.toMatchObject({ code: "manifest-damaged" });
    }
  });

  it("of one manifest is listed and leaves the others usable", async () => {
    const { area, store, manifest } = await stored(encrypted);
    await takeTestBackup(area, "bak_2", "bak_1", files);
    store.overwrite(manifest, new Uint8Array(100));
    const [first, second] = await area.listBackups();
    expect(first).toMatchObject({ backupId: "bak_1", facts: null, damaged: expect.stringContaining("damaged") });
    expect(second).toMatchObject({ backupId: "bak_2", damaged: null });
    expect(digestsOf(await readTestBackup(area, "bak_2"))).toEqual(digestsOf(files));
    const options = { now: new Date(Date.now() + 1e9), graceMs: 1, runningBackupIds: [] };
    await expect(area.planCollection(options)).rejects.toMatchObject({ code: "manifest-damaged" });
  });

  it("by exchanging two whole objects is found", async () => {
    const { area, store, manifest } = await stored(encrypted);
    await takeTestBackup(area, "bak_2", null, new Map([["large", noise(600_000, 9)]]));
    const [one = "", two = ""] = await keysOf(store, "srv_1/packs/");
    const [bytesOne, bytesTwo] = [await store.get(one), await store.get(two)];
    store.overwrite(one, bytesTwo);
    store.overwrite(two, bytesOne);
    await expect(readTestBackup(area, "bak_1")).rejects.toThrow(/damaged/);
    store.overwrite(manifest, await store.get("srv_1/backups/bak_2"));
    await expect(area.openManifest("bak_1")).rejects.toMatchObject({ code: "manifest-damaged" });
  });
});
