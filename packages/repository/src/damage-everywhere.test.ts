import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AppError, type Clock, type IdKind, idPrefixes, Secret } from "@tidemark/kit";
import { FilesystemStore, MemoryStore } from "@tidemark/storage";
import { afterAll, describe, expect, it } from "vitest";
import { createRepository, openRepository } from "./open-repository.ts";
import { FramePool } from "./packs/frame-pool.ts";
import {
  filesOf,
  InlineEncoder,
  keysOf,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
  testKey,
  testOpeners,
} from "./test-repository.ts";
import type { RepositoryKey, ServerArea } from "./types.ts";

/**
 * Every byte of a repository changed, one at a time, and every object removed or cut off: opening, listing or reading finds
 * it, or the byte is of a class below, which does not matter; and never are other bytes read than were stored.
 *
 * TIDEMARK_DAMAGE_STRIDE: every so many bytes; 1 is every byte, and the classes are counted then. Default 61.
 * The small repositories take some seconds whole; the golden ones (630,000 bytes) half an hour.
 */
const stride = Number(process.env.TIDEMARK_DAMAGE_STRIDE ?? 61);

/** Bytes whose change nobody notices, and why that is no harm. */
const harmless: readonly {
  readonly name: string;
  readonly covers: (key: string, at: number, live: readonly string[]) => boolean;
}[] = [
  // The trailer repeats what a reader needs; the collection takes a pack whose writer it cannot tell for nobody's.
  { name: "head of a pack", covers: (key, at) => key.includes("/packs/") && at < 128 },
  // What no manifest points into is read by nobody.
  { name: "pack nobody needs", covers: (key, _, live) => key.includes("/packs/") && !live.includes(key) },
  // Who made the claim: nobody but another claimant asks, and then takes it for somebody else's.
  { name: "claimed key", covers: (key) => key.includes("/backups/bak_dead") || key.includes("/backups/bak_z") },
  // A damaged lease counts as a writer's, which only makes the collection wait; a damaged pass as none.
  { name: "lease or pass", covers: (key) => key.includes("/leases/") || key.includes("/marks/collection/") },
  // Dates, labels and the like in text that a person reads; a flipped letter leaves it text.
  { name: "text of the document", covers: (key) => key === "tidemark.json" },
  { name: "text of a key slot", covers: (key) => key.startsWith("keys/") },
];

interface Case {
  readonly name: string;
  readonly key: RepositoryKey | null;
  readonly serverId: string;
  readonly load: () => Promise<MemoryStore>;
  /** Unless every byte is asked for: of so many that the stride comes to, one is changed. */
  readonly thinning: number;
  /** Of a whole run: bytes of each class that nobody noticed. */
  readonly unnoticed: Readonly<Record<string, number>> | null;
}

/** Of whole runs, 2026-11. */
const goldenUnnoticed: Readonly<Record<string, Case["unnoticed"]>> = {
  "1, plain": {
    "claimed key": 119,
    "lease or pass": 355,
    "head of a pack": 384,
    "pack nobody needs": 1231,
    "text of the document": 76,
  },
  "1, encrypted": {
    "text of a key slot": 21,
    "claimed key": 134,
    "lease or pass": 323,
    "head of a pack": 384,
    "pack nobody needs": 1199,
    "text of the document": 79,
  },
  "2, plain": {
    "claimed key": 138,
    "lease or pass": 434,
    "head of a pack": 768,
    "pack nobody needs": 1236,
    "text of the document": 76,
  },
  "2, encrypted": {
    "text of a key slot": 91,
    "claimed key": 152,
    "lease or pass": 403,
    "head of a pack": 768,
    "pack nobody needs": 1204,
    "text of the document": 79,
  },
  "3, plain": {
    "claimed key": 122,
    "lease or pass": 402,
    "head of a pack": 768,
    "pack nobody needs": 1204,
    "text of the document": 76,
  },
};

function golden(version: number, variant: "plain" | "encrypted"): Case {
  const folder = fileURLToPath(new URL(`../fixtures/golden-${version}`, import.meta.url));
  const key = { kind: "key-file", text: new Secret(readFileSync(`${folder}/key.txt`, "utf8")) } as const;
  return {
    name: `golden-${version}, ${variant}`,
    key: variant === "encrypted" ? key : null,
    serverId: "srv_golden",
    load: async () => {
      const source = new FilesystemStore(`${folder}/${variant}`);
      const store = new MemoryStore();
      for (const name of await keysOf(source)) await store.put(name, await source.get(name));
      return store;
    },
    thinning: 20,
    unnoticed: goldenUnnoticed[`${version}, ${variant}`] ?? null,
  };
}

/** Small enough for every byte: a backup in full, one over it, a patched one, a hold, a dead run's pack and claim, a pass, a lease. */
function small(encrypted: boolean, unnoticed: Case["unnoticed"]): Case {
  const load = async (): Promise<MemoryStore> => {
    const clock = fixedClock();
    const store = new MemoryStore(clock);
    // Nothing by chance, so that the bytes can be counted.
    let made = 0;
    const newId = (kind: IdKind): string => `${idPrefixes[kind]}_${String(++made).padStart(26, "0")}`;
    const same = { clock, newId, randomBytes: (length: number) => noise(length, ++made), openers: testOpeners };
    const repository = await createRepository(store, { ...same, encryption: encrypted ? testKey : "none" });
    const area = repository.area("srv_1");
    const files = new Map([
      ["a", noise(700, 1)],
      ["b", noise(500, 2)],
      ["dir/", new Uint8Array(0)],
      ["pages", Buffer.alloc(4 * 8192, "a page like the others; ")],
      ["zeros", new Uint8Array(200_000)],
    ]);
    await takeTestBackup(area, "bak_1", null, files, testFacts);
    await takeTestBackup(area, "bak_2", "bak_1", new Map([...files, ["b", noise(500, 3)]]), testFacts);
    await takePatched(area, "bak_3", "bak_2", Uint32Array.of(1, 3));
    await area.addMark("bak_1", { kind: "hold", text: "audit", by: "ada", at: new Date(0) });
    // A run that died: its key is claimed by a pass, which names its pack.
    const dying = await openRepository(store, {
      ...same,
      key: encrypted ? testKey : null,
      onStep: (step) => {
        if (step === "manifest:before-put") throw new Error("killed");
      },
    });
    const died = await takeTestBackup(dying.area("srv_1"), "bak_dead", null, new Map([["c", noise(100, 4)]])).catch(
      String,
    );
    if (!String(died).includes("killed")) throw new Error("the run was to die");
    const options = { now: new Date("2100-01-01T00:00:00.000Z"), graceMs: 3_600_000, runningBackupIds: [] };
    await area.executeCollection(await area.planCollection(options));
    await area.beginBackup({ backupId: "bak_z", parentId: null, startedAt: new Date(0), encoder: new InlineEncoder() });
    await repository.close();
    return store;
  };
  return {
    name: `small, encrypted: ${encrypted}`,
    key: encrypted ? testKey : null,
    serverId: "srv_1",
    load,
    thinning: 1,
    unnoticed,
  };
}

/** The pages of the parent with some replaced: pieces of older runs, and a frame of several parts. */
async function takePatched(area: ServerArea, backupId: string, parentId: string, blocks: Uint32Array): Promise<void> {
  const encoder = new InlineEncoder();
  const writer = await area.beginBackup({ backupId, parentId, startedAt: testFacts.startedAt, encoder });
  const entry = { path: new TextEncoder().encode("pages"), mode: 0o600, modifiedAt: new Date(0) };
  const size = { sizeBytes: BigInt(5 * 8192), blockSize: 8192, changedBlocks: blocks, zerosFrom: null };
  const file = await writer.addPatchedFile({ ...entry, ...size });
  for (const block of blocks) await file.write(new Uint8Array(8192).fill(block));
  await file.end();
  await writer.commit(testFacts);
}

function fixedClock(): Clock {
  return { now: () => new Date("2026-01-02T03:04:05.000Z"), monotonicMs: () => 0 };
}

const goldenVariants = [1, 2, 3].flatMap((version) =>
  (["plain", "encrypted"] as const)
    .filter((variant) =>
      existsSync(fileURLToPath(new URL(`../fixtures/golden-${version}/${variant}`, import.meta.url))),
    )
    .map((variant) => ({ version, variant })),
);
const cases: readonly Case[] = [
  small(false, {
    "claimed key": 122,
    "lease or pass": 382,
    "head of a pack": 512,
    "pack nobody needs": 303,
    "text of the document": 76,
  }),
  small(true, {
    "text of a key slot": 91,
    "claimed key": 152,
    "lease or pass": 380,
    "head of a pack": 512,
    "pack nobody needs": 303,
    "text of the document": 79,
  }),
  ...goldenVariants.map(({ version, variant }) => golden(version, variant)),
];

type Truth = ReadonlyMap<string, ReadonlyMap<string, Uint8Array>>;

interface UsedPack {
  readonly packId: string;
  /** Frames that backups point at. */
  readonly frames: ReadonlySet<number>;
}

describe.each(cases)("damage in $name", (repository) => {
  const openers = new FramePool({ threads: 1 });
  afterAll(() => openers.close());

  const open = async (store: MemoryStore): Promise<ServerArea> => {
    const opened = await openRepository(store, { key: repository.key, openers });
    return opened.area(repository.serverId);
  };

  const truthOf = async (store: MemoryStore): Promise<Truth> => {
    const area = await open(store);
    const truth = new Map<string, ReadonlyMap<string, Uint8Array>>();
    for (const { backupId } of await area.listBackups()) truth.set(backupId, await readTestBackup(area, backupId));
    return truth;
  };

  /** Null when nobody noticed anything; throws when other bytes were read. `suspect`: what is looked at first, to save time. */
  const noticed = async (store: MemoryStore, truth: Truth, suspect?: UsedPack): Promise<string | null> => {
    try {
      const area = await open(store);
      if (suspect !== undefined) {
        for await (const frame of area.frames().readFrames(suspect.packId, [...suspect.frames])) {
          if (frame.kind === "damaged") return frame.reason;
        }
      }
      const listed = await area.listBackups();
      const damaged = listed.find((backup) => backup.damaged !== null);
      if (damaged !== undefined) return damaged.damaged;
      if (listed.length !== truth.size) return "a backup is not listed";
      for (const { backupId } of listed) {
        await area.marks(backupId);
        const found = await readTestBackup(area, backupId);
        for (const [name, bytes] of truth.get(backupId) ?? []) {
          if (Buffer.compare(found.get(name) ?? noise(1, 1), bytes) !== 0) throw new WrongBytes(`${backupId}: ${name}`);
        }
      }
      return null;
    } catch (error) {
      if (error instanceof WrongBytes) throw error;
      if (error instanceof AppError && error.code === "internal") throw error;
      return String(error);
    }
  };

  /** The packs that backups point into, by their keys. */
  const livePacks = async (store: MemoryStore): Promise<ReadonlyMap<string, UsedPack>> => {
    const area = await open(store);
    const live = new Map<string, UsedPack>();
    for (const { backupId } of await area.listBackups()) {
      for (const { extents } of await filesOf(area, backupId)) {
        for (const extent of extents) {
          if (extent.kind === "zeros") continue;
          const key = `${repository.serverId}/packs/${extent.packId}`;
          const pack = live.get(key) ?? { packId: extent.packId, frames: new Set() };
          live.set(key, { ...pack, frames: new Set([...pack.frames, extent.frameIndex]) });
        }
      }
    }
    return live;
  };

  it("at any byte is found, or does not matter", { timeout: 3_600_000 }, async () => {
    const store = await repository.load();
    const truth = await truthOf(store);
    const used = await livePacks(store);
    const live = [...used.keys()];
    const counts: Record<string, number> = {};
    const step = stride === 1 ? 1 : stride * repository.thinning;
    for (const key of await keysOf(store)) {
      const bytes = await store.get(key);
      for (let at = (key.length * 7) % Math.min(step, bytes.length); at < bytes.length; at += step) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ 1;
        store.overwrite(key, damaged);
        if ((await noticed(store, truth, used.get(key))) !== null) continue;
        const found = harmless.find(({ covers }) => covers(key, at, live));
        expect(found, `byte ${at} of ${key} (${bytes.length} bytes) is noticed by nobody`).toBeDefined();
        counts[found?.name ?? ""] = (counts[found?.name ?? ""] ?? 0) + 1;
      }
      store.overwrite(key, bytes);
    }
    if (stride === 1) process.stderr.write(`${repository.name}: ${JSON.stringify(counts)}\n`);
    if (stride === 1 && repository.unnoticed !== null) expect(counts).toEqual(repository.unnoticed);
  });

  it("that removes an object or cuts it off is found, or does not matter", { timeout: 600_000 }, async () => {
    const store = await repository.load();
    const truth = await truthOf(store);
    const live = [...(await livePacks(store)).keys()];
    for (const key of await keysOf(store)) {
      const bytes = await store.get(key);
      await store.delete(key);
      const isMark = /\/marks\/bak_/.test(key);
      // A mark that is gone was never made, as far as anybody can tell; so with claims, leases and passes.
      const isNeedless = key.includes("/packs/") && !live.includes(key);
      const mayGo = isMark || isNeedless || /\/(leases|marks\/collection)\/|\/backups\/bak_(dead|z)/.test(key);
      if (!mayGo) expect(await noticed(store, truth), `${key} is gone`).not.toBeNull();
      for (const length of [0, 1, Math.floor(bytes.length / 2), bytes.length - 1]) {
        store.overwrite(key, bytes.slice(0, length));
        const harm = harmless.find(({ name, covers }) => name !== "head of a pack" && covers(key, length, live));
        const found = await noticed(store, truth);
        if (harm === undefined) expect(found, `${key} is cut off after ${length} bytes`).not.toBeNull();
      }
      store.overwrite(key, bytes);
    }
  });
});

class WrongBytes extends Error {}
