import { AppError } from "@tidemark/kit";
import { type FaultEffect, FaultyStore, MemoryStore, type ObjectStore } from "@tidemark/storage";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRepository, openRepository } from "../open-repository.ts";
import { keysOf, noise, readTestBackup, takeTestBackup, testKey } from "../test-repository.ts";
import type { Repository, ServerArea } from "../types.ts";
import { copyBackup } from "./copy-backup.ts";
import { type FailoverNote, failoverArea } from "./failover-area.ts";

const opened: Repository[] = [];

afterEach(async () => {
  for (const repository of opened.splice(0)) await repository.close();
});

const files = new Map([
  ["base/5/1259", noise(900_000, 1)],
  ["base/5/small", noise(8192, 7)],
]);

/** Not `toEqual`, which takes seconds for this many bytes. */
async function expectFiles(area: ServerArea): Promise<void> {
  const found = await readTestBackup(area, "bak_2");
  expect([...found.keys()]).toEqual([...files.keys()]);
  for (const [name, bytes] of files) expect(Buffer.compare(found.get(name) ?? Buffer.of(), bytes), name).toBe(0);
}

/** A repository with two packs, its copy, and a way to read the first through a store that fails. */
async function pair(): Promise<{
  readonly store: ObjectStore;
  readonly packKeys: readonly string[];
  readonly second: ServerArea;
  readonly secondStore: ObjectStore;
  through(store: ObjectStore, stallMs?: number): Promise<{ readonly area: ServerArea; readonly notes: FailoverNote[] }>;
}> {
  const [store, secondStore] = [new MemoryStore(), new MemoryStore()];
  const first = await createRepository(store, { encryption: testKey, openerThreads: 1 });
  const copy = await createRepository(secondStore, { encryption: "none", openerThreads: 1 });
  opened.push(first, copy);
  const area = first.area("srv_1");
  await takeTestBackup(area, "bak_1", null, new Map([["base/5/small", noise(8192, 7)]]));
  await takeTestBackup(area, "bak_2", "bak_1", files);
  const second = copy.area("srv_1");
  await copyBackup({ source: area, target: second, backupId: "bak_2" });
  return {
    store,
    secondStore,
    second,
    packKeys: await keysOf(store, "srv_1/packs/"),
    through: async (faulty, stallMs = 30_000) => {
      const again = await openRepository(faulty, { key: testKey, openerThreads: 1 });
      opened.push(again);
      const notes: FailoverNote[] = [];
      const onNote = (note: FailoverNote): unknown => notes.push(note);
      return {
        area: failoverArea(again.area("srv_1"), second, { onNote: (note) => void onNote(note), stallMs }),
        notes,
      };
    },
  };
}

const matches = (key: string): boolean => key.includes("/packs/") || key.includes("/backups/");

describe("an area with a second repository behind it", () => {
  it("reads from the first alone while that answers, and says nothing", async () => {
    const { store, through, secondStore } = await pair();
    for (const key of await keysOf(secondStore, "srv_1/packs/")) await secondStore.delete(key);
    const { area, notes } = await through(store);
    await expectFiles(area);
    expect(notes).toEqual([]);
    expect((await area.listBackups()).map(({ backupId }) => backupId)).toEqual(["bak_1", "bak_2"]);
  });

  it("says that the second cannot be asked when it lists, and throws what is no trouble of a store", async () => {
    const { store, second } = await pair();
    const first = await openRepository(store, { key: testKey, openerThreads: 1 });
    opened.push(first);
    const failing = async (error: Error) => {
      const notes: FailoverNote[] = [];
      const away = { ...second, listBackups: () => Promise.reject(error) } as unknown as ServerArea;
      const area = failoverArea(first.area("srv_1"), away, { onNote: (note) => notes.push(note) });
      return { listed: (await area.listBackups()).map(({ backupId }) => backupId), notes };
    };
    const away = await failing(new AppError("storage-unreachable", { message: "no route to it" }));
    expect(away.listed).toEqual(["bak_1", "bak_2"]);
    expect(away.notes).toEqual([{ what: "second", id: null, reason: "no route to it" }]);
    await expect(failing(new RangeError("a mistake of ours"))).rejects.toThrow("a mistake of ours");
  });

  it("waits for each part of a large manifest, and not for the whole as for one answer", async () => {
    const { second, store, through } = await pair();
    const { area: first } = await through(store);
    const manifest = await first.openManifest("bak_2");
    const file = (await manifest.files()[Symbol.asyncIterator]().next()).value;
    const large = {
      async *files() {
        for (let part = 0; part < 3; part++) {
          await new Promise((resolve) => setTimeout(resolve, 500));
          for (let count = 0; count < 4096; count++) yield file;
        }
      },
    };
    const slow = { ...first, openManifest: async () => large } as unknown as ServerArea;
    const notes: FailoverNote[] = [];
    const area = failoverArea(slow, second, { onNote: (note) => void notes.push(note), stallMs: 1200 });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const opening = area.openManifest("bak_2");
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await opening).toBe(large);
    } finally {
      vi.useRealTimers();
    }
    expect(notes).toEqual([]);
  });

  it.each(["storage-credentials-expired", "storage-throttled", "storage-clock-skewed"] as const)(
    "reads from the second when the first answers %s",
    async (code) => {
      const { store, through } = await pair();
      let refuses = false;
      const refusing = new Proxy(store, {
        get: (target, name, receiver) => {
          const act: unknown = Reflect.get(target, name, receiver);
          if (typeof act !== "function") return act;
          return (...args: unknown[]) => {
            if (refuses) throw new AppError(code, { message: "the store refuses" });
            return Reflect.apply(act, target, args);
          };
        },
      });
      const { area, notes } = await through(refusing);
      refuses = true;
      await expectFiles(area);
      expect(notes[0]).toEqual({ what: "repository", id: null, reason: "the store refuses" });
      expect(notes.map(({ what }) => what)).toEqual(["repository", "pack", "pack"]);
    },
  );

  it("takes a missing and a damaged pack, and a lost manifest, from the second, and says which", async () => {
    const { store, through, packKeys } = await pair();
    const [small = "", large = ""] = packKeys;
    await store.delete(small);
    const bytes = new Uint8Array(await store.get(large));
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    await store.delete(large);
    await store.put(large, bytes);
    const { area, notes } = await through(store);
    await expectFiles(area);
    expect(notes.map(({ what, id }) => [what, id]).sort()).toEqual(
      [
        ["pack", large.slice("srv_1/packs/".length)],
        ["pack", small.slice("srv_1/packs/".length)],
      ].sort(),
    );
    await store.delete("srv_1/backups/bak_2");
    const lost = await through(store);
    await expectFiles(lost.area);
    expect(lost.notes).toContainEqual({ what: "manifest", id: "bak_2", reason: expect.stringContaining("no backup") });
    expect((await lost.area.listBackups()).map(({ backupId }) => backupId)).toEqual(["bak_1", "bak_2"]);
  });

  const effects: readonly FaultEffect[] = [
    { kind: "error-before", code: "storage-unreachable" },
    { kind: "error-before", code: "storage-denied" },
    { kind: "stall", until: new Promise<void>(() => undefined) },
  ];

  it.each(effects)("goes on with the second when the first ends in the middle ($kind $code)", async (effect) => {
    const { store, through } = await pair();
    for (let from = 1; from <= 9; from += 2) {
      const faults = (["get", "stat", "list"] as const).map((operation) => {
        return { operation, matches, from, times: Number.POSITIVE_INFINITY, effect };
      });
      const { area, notes } = await through(new FaultyStore(store, { faults }), effect.kind === "stall" ? 100 : 30_000);
      await expectFiles(area);
      if (from < 5) expect(notes.filter(({ what }) => what === "repository").length).toBe(1);
      expect(notes.length).toBeLessThanOrEqual(4);
    }
  });

  it("gives frames as they are stored from either, each once, damage of the first never", async () => {
    const { store, through, packKeys, second } = await pair();
    const large = packKeys[1] ?? "";
    const packId = large.slice("srv_1/packs/".length);
    const bytes = new Uint8Array(await store.get(large));
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
    await store.delete(large);
    await store.put(large, bytes);
    const { area, notes } = await through(store);
    const described = await area.frames().describePack(packId);
    const expected = await second.frames().describePack(packId);
    expect(described.kind === "known" && expected.kind === "known" && described.crc32c).toEqual(
      expected.kind === "known" && expected.crc32c,
    );
    for (const wanted of [null, [0, 1, 2, 3]]) {
      const seen: number[] = [];
      for await (const range of area.frames().readStored(packId, wanted)) {
        expect(range.kind).toBe("stored");
        if (range.kind === "stored") seen.push(...range.frames.map(({ frameIndex }) => frameIndex));
      }
      const all = expected.kind === "known" ? [...expected.crc32c.keys()] : [];
      expect(seen.sort((a, b) => a - b)).toEqual(wanted ?? all);
    }
    expect(notes.map(({ what }) => what)).toEqual(["pack"]);
  });

  it("holds the packs in both places, and in the second alone when the first is away", async () => {
    const { store, secondStore, through } = await pair();
    const leases = async (): Promise<number[]> =>
      Promise.all([store, secondStore].map(async (one) => (await keysOf(one, "srv_1/leases/")).length));
    {
      const { area } = await through(store);
      await using _hold = await area.holdPacks("reader");
      expect(await leases()).toEqual([1, 1]);
    }
    expect(await leases()).toEqual([0, 0]);
    const fault = { operation: "put" as const, effect: { kind: "error-before", code: "storage-unreachable" } as const };
    const { area, notes } = await through(new FaultyStore(store, { faults: [fault] }));
    await using _hold = await area.holdPacks("reader");
    expect(await leases()).toEqual([0, 1]);
    expect(notes.map(({ what }) => what)).toEqual(["repository"]);
    await expectFiles(area);
  });

  it("names both damages when neither can give it, and writes nothing", async () => {
    const { store, secondStore, through, packKeys } = await pair();
    for (const key of packKeys) {
      await store.delete(key);
      await secondStore.delete(key);
    }
    const { area } = await through(store);
    await expect(readTestBackup(area, "bak_2")).rejects.toThrow(/missing; in the second repository: .*missing/);
    await expect(area.deleteBackup("bak_2")).rejects.toMatchObject({ code: "repository-read-only" });
  });
});
