import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Secret } from "@tidemark/kit";
import { FaultyStore, FilesystemStore, MemoryStore, type ObjectStore, ReadOnlyStore } from "@tidemark/storage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { newRepositoryKey } from "../keys/repository-key.ts";
import { createRepository, openRepository } from "../open-repository.ts";
import { type OnStep, repositorySteps } from "../steps.ts";
import { keysOf, noise, readTestBackup, takeTestBackup, testKey } from "../test-repository.ts";
import type { Repository, RepositoryKey, ServerArea } from "../types.ts";
import { copyBackup, surveyCopy } from "./copy-backup.ts";
import { healPack } from "./heal-pack.ts";

const otherKey = newRepositoryKey((length) => noise(length, 4711));
const opened: Repository[] = [];

afterAll(async () => {
  for (const repository of opened.splice(0)) await repository.close();
});

/** Made once for the tests that only read it: threads and backups cost more than the copies. */
let unharmed: Place;
beforeAll(async () => {
  unharmed = await filled(testKey);
});

interface Place {
  readonly area: ServerArea;
  readonly store: ObjectStore;
  /** The same store, opened by another process. */
  again(onStep?: OnStep, store?: ObjectStore): Promise<ServerArea>;
}

async function place(key: RepositoryKey | "none", store: ObjectStore = new MemoryStore()): Promise<Place> {
  const repository = await createRepository(store, { encryption: key, openerThreads: 1 });
  opened.push(repository);
  return {
    area: repository.area("srv_1"),
    store,
    again: async (onStep, through = store) => {
      const more = await openRepository(through, {
        key: key === "none" ? null : key,
        openerThreads: 1,
        ...(onStep === undefined ? {} : { onStep }),
      });
      opened.push(more);
      return more.area("srv_1");
    },
  };
}

function files(seed: number): Map<string, Uint8Array> {
  return new Map([
    ["base/", new Uint8Array(0)],
    ["base/5/1259", noise(400_000, seed)],
    ["base/5/zeros", new Uint8Array(300_000)],
    ["base/5/text", Buffer.alloc(200_000, "the same again ")],
    ["base/5/small", noise(8192, 7)],
    ["global/pg_control", noise(8192, seed + 1)],
  ]);
}

/** Two backups that share packs. */
async function filled(key: RepositoryKey | "none"): Promise<Place> {
  const made = await place(key);
  await takeTestBackup(made.area, "bak_1", null, files(1));
  const second = files(1);
  second.get("base/5/1259")?.fill(9, 200_000, 200_100);
  await takeTestBackup(made.area, "bak_2", "bak_1", second);
  return made;
}

const expectSame = async (source: ServerArea, target: ServerArea, backupId: string): Promise<void> => {
  expect(await digests(target, backupId)).toEqual(await digests(source, backupId));
};

async function digests(area: ServerArea, backupId: string): Promise<string[]> {
  return [...(await readTestBackup(area, backupId))].map(
    ([name, bytes]) => `${name} ${createHash("sha256").update(bytes).digest("hex")}`,
  );
}

const ways = [testKey, "none" as const].flatMap((from) => [otherKey, "none" as const].map((to) => ({ from, to })));

describe.each(ways)("a copy from $from.kind to $to.kind", ({ from, to }) => {
  it("restores the same bytes under the target's id and keys, with its holds, and is made once", async () => {
    const source = await filled(from);
    const target = await place(to);
    const at = new Date("2026-03-01T00:00:00.000Z");
    await source.area.addMark("bak_2", { kind: "hold", text: "audit", by: "ada", at });
    await source.area.addMark("bak_2", { kind: "verified", text: "", by: "ada", at });
    const copy = { source: source.area, target: target.area, backupId: "bak_2" };
    const first = await copyBackup(copy);
    expect(first.copiedPacks).toBe(2);
    expect(first.copiedMarks).toBe(1);
    await source.store.delete("tidemark.json");
    const reopened = await target.again();
    await expectSame(source.area, reopened, "bak_2");
    expect(await keysOf(target.store, "srv_1/packs/")).toEqual(await keysOf(source.store, "srv_1/packs/"));
    expect((await reopened.marks("bak_2")).map(({ kind }) => kind)).toEqual(["hold"]);
    expect((await reopened.listBackups())[0]).toEqual((await source.area.listBackups())[1]);
    expect(await copyBackup(copy)).toEqual({ copiedPacks: 0, copiedBytes: 0n, replacedPacks: [], copiedMarks: 0 });
    // The other one shares a pack: only what is missing is brought.
    expect(await copyBackup({ ...copy, backupId: "bak_1" })).toMatchObject({ copiedPacks: 0 });
    await expectSame(source.area, reopened, "bak_1");
    expect([
      ...(await keysOf(target.store, "srv_1/leases/")),
      ...(await keysOf(source.store, "srv_1/leases/")),
    ]).toEqual([]);
  });
});

describe("a copy that dies", () => {
  // Without what only a copy with marks, or over something damaged, comes to (killed-acts.int.test.ts).
  const copySteps = repositorySteps.filter((step) => /^copy:(?!before-(remove-|mark$))/.test(step));

  it.each(copySteps)("at %s leaves nothing half, and the next one finishes with what is there", async (deadly) => {
    const source = unharmed;
    const target = await place(otherKey);
    let reached = 0;
    const wanted = deadly.includes("pack") || deadly === "copy:before-check" ? 2 : 1;
    // As when the process is killed: nothing after the step runs, no cleanup either, and the leases stay.
    const died = new Promise<string>((resolve) => {
      void target
        .again((step) => {
          if (step !== deadly || ++reached !== wanted) return;
          resolve("died");
          return new Promise<void>(() => undefined);
        })
        .then((dying) => copyBackup({ source: source.area, target: dying, backupId: "bak_2" }))
        .then(() => resolve("finished"));
    });
    expect(await died).toBe("died");
    const copy = { source: source.area, backupId: "bak_2" };
    const after = target.area;
    for (const { backupId } of await after.listBackups()) await expectSame(source.area, after, backupId);
    const done = await copyBackup({ ...copy, target: after });
    expect(done.copiedPacks).toBeLessThanOrEqual(2);
    await expectSame(source.area, after, "bak_2");
    expect(done.replacedPacks).toEqual([]);
  });

  it("is finished after every kind of failed put, and never believes one that took fewer bytes", async () => {
    const source = unharmed;
    for (const kind of ["error-before", "error-after"] as const) {
      for (let from = 1; from <= 5; from++) {
        const target = await place(otherKey);
        const faulty = new FaultyStore(target.store, {
          faults: [{ operation: "put", from, effect: { kind, code: "storage-failed" } }],
        });
        const copy = { source: source.area, target: await target.again(undefined, faulty), backupId: "bak_2" };
        await copyBackup(copy).catch((error: unknown) => expect(error).toMatchObject({ code: "storage-failed" }));
        for (const { backupId } of await target.area.listBackups())
          await expectSame(source.area, target.area, backupId);
        await copyBackup({ ...copy, target: target.area });
        await expectSame(source.area, target.area, "bak_2");
      }
    }
  });

  it("asks before each part of a pack whether it may go on", async () => {
    const source = unharmed;
    const target = await place("none");
    let asked = 0;
    let sent = 0;
    const pace = async (bytes: number): Promise<void> => {
      // Nothing is sent that was not asked for.
      expect(sent).toBeLessThanOrEqual(asked);
      asked += bytes;
    };
    const onBytes = (bytes: number): void => {
      sent += bytes;
    };
    await copyBackup({ source: source.area, target: target.area, backupId: "bak_2", pace, onBytes });
    expect(sent).toBeGreaterThan(400_000);
    // What was sent is read back, which takes the line, too.
    expect(asked).toBeGreaterThan(1.9 * sent);
  });

  it("with the target full says so, and goes on when there is room", async () => {
    const source = unharmed;
    const target = await place("none");
    const full = new FaultyStore(target.store, { fullAfterBytes: 200_000 });
    const copy = { source: source.area, backupId: "bak_2" };
    await expect(copyBackup({ ...copy, target: await target.again(undefined, full) })).rejects.toMatchObject({
      code: "storage-full",
    });
    expect(await target.area.listBackups()).toEqual([]);
    await copyBackup({ ...copy, target: target.area });
    await expectSame(source.area, target.area, "bak_2");
  });
});

/** Changes one byte in the middle of an object. */
async function spoil(store: ObjectStore, key: string): Promise<void> {
  const bytes = new Uint8Array(await store.get(key));
  const at = bytes.length >> 1;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.delete(key);
  await store.put(key, bytes);
}

/** Damages the first chunk of the manifest of `bak_2`, and neither its header nor its index. */
async function spoilChunk({ area, store }: Place): Promise<void> {
  const key = "srv_1/backups/bak_2";
  const bytes = new Uint8Array(await store.get(key));
  const at = 64 + Buffer.from(bytes).readUInt32LE(12) + 4;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await store.delete(key);
  await store.put(key, bytes);
  await area.openManifest("bak_2");
}

describe("a copy of what is damaged", () => {
  it("is refused with the pack's name, and nothing of it is listed; backups without that pack are copied", async () => {
    const source = await filled(testKey);
    const target = await place("none");
    const [, newest = ""] = await keysOf(source.store, "srv_1/packs/");
    await spoil(source.store, newest);
    await expect(copyBackup({ source: source.area, target: target.area, backupId: "bak_2" })).rejects.toMatchObject({
      code: "pack-damaged",
      message: expect.stringContaining(newest.slice("srv_1/packs/".length)),
    });
    expect(await target.area.listBackups()).toEqual([]);
    await copyBackup({ source: source.area, target: target.area, backupId: "bak_1" });
    await expectSame(source.area, target.area, "bak_1");
    await source.store.delete(newest);
    const [need] = await surveyCopy(source.area, target.area, ["bak_2"]);
    expect(need).toEqual({
      backupId: "bak_2",
      isListed: false,
      missingPacks: new Map([[newest.slice("srv_1/packs/".length), null]]),
    });
  });

  it("replaces a pack and a manifest at the target that cannot be opened", async () => {
    const source = await filled(testKey);
    const target = await place(otherKey);
    const copy = { source: source.area, target: target.area, backupId: "bak_2" };
    await copyBackup(copy);
    const [pack = ""] = await keysOf(target.store, "srv_1/packs/");
    const whole = await target.store.get(pack);
    await target.store.delete(pack);
    await target.store.put(pack, whole.slice(0, whole.length - 100));
    await spoil(target.store, "srv_1/backups/bak_2");
    const again = await copyBackup(copy);
    expect(again.replacedPacks).toEqual([pack.slice("srv_1/packs/".length)]);
    await expectSame(source.area, target.area, "bak_2");
  });

  it("removes nothing at the target that the source cannot replace", async () => {
    const source = await filled(testKey);
    const target = await place(otherKey);
    const copy = { source: source.area, target: target.area, backupId: "bak_2" };
    await copyBackup(copy);
    const [pack = ""] = await keysOf(target.store, "srv_1/packs/");
    await spoil(source.store, pack);
    // Another key's, or damaged: it cannot be opened here, but perhaps elsewhere.
    const there = await target.store.get(pack);
    await target.store.delete(pack);
    await target.store.put(pack, Buffer.concat([there.slice(0, there.length - 20), new Uint8Array(20)]));
    const before = await target.store.get(pack);
    await expect(copyBackup(copy)).rejects.toMatchObject({ code: "pack-damaged" });
    expect(await target.store.get(pack)).toEqual(before);
  });

  it("replaces a manifest that is damaged anywhere, but only by one that is whole", async () => {
    const source = await filled(testKey);
    const target = await place(otherKey);
    const copy = { source: source.area, target: target.area, backupId: "bak_2" };
    const key = "srv_1/backups/bak_2";
    await copyBackup(copy);
    const whole = await target.store.get(key);
    const cut = whole.slice(0, whole.length - 30);
    await target.store.delete(key);
    await target.store.put(key, cut);
    expect((await surveyCopy(source.area, target.area, ["bak_2"]))[0]?.isListed).toBe(false);
    const good = await source.store.get(key);
    await spoilChunk(source);
    await expect(copyBackup(copy)).rejects.toMatchObject({ code: "manifest-damaged" });
    expect(await target.store.get(key)).toEqual(cut);
    await source.store.delete(key);
    await source.store.put(key, good);
    await copyBackup(copy);
    await expectSame(source.area, target.area, "bak_2");
  });

  it("leaves alone a pack that a collection at the target may be removing, and brings it once it is gone", async () => {
    const source = unharmed;
    const store = new MemoryStore();
    const target = await place(otherKey, store);
    const copy = { source: source.area, backupId: "bak_2" };
    await copyBackup({ ...copy, target: target.area });
    await target.area.deleteBackup("bak_2");
    const later = async (hours: number): Promise<ServerArea> => {
      const clock = { now: () => new Date(Date.now() + hours * 3_600_000), monotonicMs: () => 0 };
      const repository = await openRepository(store, { key: otherKey, openerThreads: 1, clock });
      opened.push(repository);
      return repository.area("srv_1");
    };
    const collect = async (hours: number): Promise<void> => {
      const now = new Date(Date.now() + hours * 3_600_000);
      const plan = await target.area.planCollection({ now, graceMs: 24 * 3_600_000, runningBackupIds: [] });
      await target.area.executeCollection(plan);
    };
    await collect(25);
    const refused = copyBackup({ ...copy, target: await later(38) });
    await expect(refused).rejects.toMatchObject({ code: "pack-condemned" });
    expect(await target.area.listBackups()).toEqual([]);
    await collect(50);
    const after = await later(51);
    expect((await copyBackup({ ...copy, target: after })).copiedPacks).toBe(2);
    await expectSame(source.area, after, "bak_2");
    // In use, they may be shared by the next one, whatever the pass before says.
    await copyBackup({ source: source.area, backupId: "bak_1", target: after });
  });

  it("reads a source that cannot be written, of format 1, and keeps that format", async () => {
    const golden = fileURLToPath(new URL("../../fixtures/golden-1", import.meta.url));
    const key = { kind: "key-file", text: new Secret(readFileSync(`${golden}/key.txt`, "utf8")) } as const;
    const store = new ReadOnlyStore(new FilesystemStore(`${golden}/encrypted`));
    const source = await openRepository(store, { key, openerThreads: 1 });
    opened.push(source);
    const target = await place("none");
    const repository = await openRepository(target.store, { openerThreads: 1 });
    opened.push(repository);
    const [from, to] = [source.area("srv_golden"), repository.area("srv_golden")];
    for (const backupId of ["bak_second", "bak_first"]) {
      await copyBackup({ source: from, target: to, backupId });
      await expectSame(from, to, backupId);
    }
    expect((await to.marks("bak_first")).map(({ kind }) => kind)).toEqual(["hold", "note"]);
    const [pack = ""] = await keysOf(target.store, "srv_golden/packs/");
    expect(Buffer.from(await target.store.get(pack)).readUInt16LE(8)).toBe(1);
  });
});

describe("healing a pack", () => {
  it.each(["heal:before-remove", "heal:before-put", "heal:after-put", "never"])(
    "brings it back from the copy, also when it dies at %s",
    async (deadly) => {
      const source = await filled(testKey);
      const second = await place("none");
      await copyBackup({ source: source.area, target: second.area, backupId: "bak_2" });
      const [key = ""] = await keysOf(source.store, "srv_1/packs/");
      const packId = key.slice("srv_1/packs/".length);
      const before = await digests(source.area, "bak_2");
      await spoil(source.store, key);
      const dying = await source.again((step) => {
        if (step === deadly) throw new Error("killed");
      });
      const died = healPack(dying, second.area, packId).then(
        () => false,
        () => true,
      );
      expect(await died).toBe(deadly !== "never");
      const healed = await healPack(source.area, second.area, packId);
      expect(healed.was).toBe({ "heal:before-remove": "damaged", "heal:before-put": "missing" }[deadly] ?? "whole");
      expect(await digests(source.area, "bak_2")).toEqual(before);
    },
  );

  it("touches nothing when the copy is damaged, too, or not there", async () => {
    const source = await filled(testKey);
    const second = await place(otherKey);
    await copyBackup({ source: source.area, target: second.area, backupId: "bak_2" });
    const [key = ""] = await keysOf(source.store, "srv_1/packs/");
    const packId = key.slice("srv_1/packs/".length);
    await spoil(source.store, key);
    await spoil(second.store, key);
    const damaged = await source.store.get(key);
    await expect(healPack(source.area, second.area, packId)).rejects.toMatchObject({ code: "pack-damaged" });
    await second.store.delete(key);
    await expect(healPack(source.area, second.area, packId)).rejects.toMatchObject({ code: "pack-missing" });
    expect(await source.store.get(key)).toEqual(damaged);
  });
});
