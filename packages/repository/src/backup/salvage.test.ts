import { MemoryStore } from "@tidemark/storage";
import { describe, expect, it, vi } from "vitest";
import { openRepository } from "../open-repository.ts";
import { encodeFrame, loadFingerprinter } from "../packs/frame-kernel.ts";
import { readPackWriter } from "../packs/pack-directory.ts";
import { contextOf } from "../server-area.ts";
import type { RepositoryStep } from "../steps.ts";
import {
  digestsOf,
  InlineEncoder,
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  type TestFiles,
  testFacts,
  writeFiles,
} from "../test-repository.ts";
import type { BackupWriter, FrameJob, FrameOutcome, ServerArea } from "../types.ts";

const hourMs = 3_600_000;
const graceMs = hourMs;
const mebi = 1024 * 1024;

/** Frames that all differ, at the cost of one. */
function frames(count: number, seed: number): Uint8Array {
  const frame = noise(131_072, seed);
  const bytes = new Uint8Array(count * frame.length);
  for (let at = 0; at < count; at++) {
    bytes.set(frame, at * frame.length);
    new DataView(bytes.buffer).setUint32(at * frame.length, at + 1);
  }
  return bytes;
}

interface World {
  readonly store: MemoryStore;
  readonly area: ServerArea;
}

async function newWorld(): Promise<World> {
  const store = new MemoryStore();
  const compression = { algorithm: "none" } as const;
  const { area } = await newTestRepository({ store, encrypted: false, compression });
  return { store, area };
}

/** The same repository in a program that ends at a step. */
async function dyingAt({ store }: World, step: RepositoryStep): Promise<ServerArea> {
  const onStep = (reached: RepositoryStep): void => {
    if (reached === step) throw new Error("killed");
  };
  return (await openRepository(store, { onStep, compression: { algorithm: "none" } })).area("srv_1");
}

function begin(area: ServerArea, backupId: string, salvageFrom: readonly string[] = []): Promise<BackupWriter> {
  const encoder = new InlineEncoder();
  return area.beginBackup({ backupId, parentId: null, startedAt: new Date(0), encoder, salvageFrom });
}

/** A run that dies with all its packs stored. */
async function dieBeforeManifest(world: World, backupId: string, files: TestFiles): Promise<void> {
  const writer = await begin(await dyingAt(world, "manifest:before-put"), backupId);
  await writeFiles(writer, files);
  await expect(writer.commit(testFacts)).rejects.toThrow("killed");
}

async function takeAgain(area: ServerArea, backupId: string, from: readonly string[], files: TestFiles) {
  const writer = await begin(area, backupId, from);
  await writeFiles(writer, files);
  const stored = await writer.commit(testFacts);
  return { storedBytes: Number(stored.counts?.storedBytes), counts: stored.counts, salvaged: writer.salvagedBytes };
}

/** Packs are put while the next one fills. */
function packsThere(store: MemoryStore, count: number): Promise<void> {
  return vi.waitFor(async () => expect((await keysOf(store, "srv_1/packs/")).length).toBe(count), { timeout: 20_000 });
}

async function collect(area: ServerArea, hours: number): Promise<void> {
  const now = new Date(Date.now() + hours * hourMs);
  await area.executeCollection(await area.planCollection({ now, graceMs, runningBackupIds: [] }));
}

describe("a backup taken again", () => {
  it("after a death at 60 % stores less than half, is whole, and keeps what it took up", {
    timeout: 60_000,
  }, async () => {
    const world = await newWorld();
    const { area, store } = world;
    const files = new Map([["large", frames(896, 1)]]);
    const total = 112 * mebi;
    const dead = await begin(area, "bak_1");
    const file = await dead.addFile({
      path: new TextEncoder().encode("large"),
      mode: 0o600,
      sizeBytes: BigInt(total),
      modifiedAt: new Date(0),
    });
    for (let at = 0; at < total * 0.6; at += mebi)
      await file.write((files.get("large") ?? noise(0, 0)).subarray(at, at + mebi));
    // Killed: nothing it would still do takes place. Two packs of 32 MiB come to be there.
    await packsThere(store, 2);
    const left = await keysOf(store, "srv_1/packs/");
    const silent = (await area.interruptedBackups({ endedBackupIds: ["bak_1"] })).map(({ backupId }) => backupId);
    expect(silent).toEqual(["bak_1"]);
    const again = await takeAgain(area, "bak_2", silent, files);
    expect(again.storedBytes).toBeLessThan(total / 2);
    expect(again.salvaged).toBeGreaterThan(BigInt(total) / 2n);
    expect(again.counts?.referencedBytes).toBe(again.salvaged);
    for (const hours of [2, 4, 6]) await collect(area, hours);
    expect(await keysOf(store, "srv_1/packs/")).toEqual(expect.arrayContaining(left));
    expect(await readPackWriter(contextOf(area), left[0] ?? "")).toBe("bak_1");
    const read = (await readTestBackup(area, "bak_2")).get("large") ?? noise(0, 0);
    expect(Buffer.compare(read, files.get("large") ?? noise(1, 1))).toBe(0);
    await expect(dead.commit(testFacts)).rejects.toThrow();
  });

  it("leaves what it has no use for to the collection", async () => {
    const world = await newWorld();
    await dieBeforeManifest(world, "bak_1", new Map([["large", frames(4, 1)]]));
    const [unused] = await keysOf(world.store, "srv_1/packs/");
    const again = await takeAgain(world.area, "bak_2", ["bak_1"], new Map([["large", frames(4, 2)]]));
    expect(again.salvaged).toBe(0n);
    for (const hours of [2, 4]) await collect(world.area, hours);
    const packs = await keysOf(world.store, "srv_1/packs/");
    expect(packs.length).toBe(1);
    expect(packs).not.toContain(unused);
    expect(await keysOf(world.store, "srv_1/leases/")).toEqual([]);
  });

  it("finds bundles of small files and the frames of a run before that one", async () => {
    const world = await newWorld();
    const small = new Map(["a", "b", "c"].map((name, seed) => [name, noise(9_000, seed)]));
    await dieBeforeManifest(world, "bak_1", small);
    await dieBeforeManifest(world, "bak_2", new Map([["large", frames(3, 5)]]));
    const files = new Map([...small, ["large", frames(3, 5)]]);
    const again = await takeAgain(world.area, "bak_3", ["bak_2", "bak_1"], files);
    expect(again.salvaged).toBe(BigInt(3 * 9_000 + 3 * 131_072));
    expect(again.storedBytes).toBe(0);
    expect(digestsOf(await readTestBackup(world.area, "bak_3"))).toEqual(digestsOf(files));
  });

  it("takes nothing whose bytes differ, whatever fingerprint and checksum say", async () => {
    const world = await newWorld();
    const truth = frames(1, 1);
    const lie = frames(1, 2);
    const dying = await dyingAt(world, "manifest:before-put");
    const encoder = new LyingEncoder(truth);
    const writer = await dying.beginBackup({ backupId: "bak_1", parentId: null, startedAt: new Date(0), encoder });
    await writeFiles(writer, new Map([["large", lie]]));
    await expect(writer.commit(testFacts)).rejects.toThrow("killed");
    const files = new Map([["large", truth]]);
    expect((await takeAgain(world.area, "bak_2", ["bak_1"], files)).salvaged).toBe(0n);
    expect(digestsOf(await readTestBackup(world.area, "bak_2"))).toEqual(digestsOf(files));
  });

  it("stores anew what is damaged or gone", async () => {
    const world = await newWorld();
    const files = new Map([["large", frames(4, 1)]]);
    await dieBeforeManifest(world, "bak_1", files);
    const [pack = ""] = await keysOf(world.store, "srv_1/packs/");
    const bytes = await world.store.get(pack);
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 1;
    world.store.overwrite(pack, bytes);
    expect((await takeAgain(world.area, "bak_2", ["bak_1"], files)).salvaged).toBe(BigInt(3 * 131_072));
    expect(digestsOf(await readTestBackup(world.area, "bak_2"))).toEqual(digestsOf(files));
  });

  it("takes the packs from a writer that was only paused, which then neither commits nor removes them", async () => {
    const world = await newWorld();
    const files = new Map([["large", frames(300, 1)]]);
    const paused = await begin(world.area, "bak_1");
    await writeFiles(paused, files);
    await packsThere(world.store, 1);
    const again = await takeAgain(world.area, "bak_2", ["bak_1"], files);
    expect(again.salvaged).toBeGreaterThan(0n);
    await expect(paused.commit(testFacts)).rejects.toMatchObject({ code: "backup-revoked" });
    await paused.abort();
    expect((await readTestBackup(world.area, "bak_2")).get("large")?.length).toBe(300 * 131_072);
    expect((await world.area.listBackups()).map(({ backupId }) => backupId)).toEqual(["bak_2"]);
  });

  it("leaves alone a writer that lives, one that committed, and packs that are about to go", async () => {
    const world = await newWorld();
    const { area } = world;
    const living = await begin(area, "bak_1");
    expect(await area.interruptedBackups({ endedBackupIds: [] })).toEqual([]);
    await writeFiles(living, new Map([["large", frames(2, 1)]]));
    await living.commit(testFacts);
    expect(await area.interruptedBackups({ endedBackupIds: ["bak_1"] })).toEqual([]);
    expect((await takeAgain(area, "bak_2", ["bak_1"], new Map([["large", frames(2, 1)]]))).salvaged).toBe(0n);
    await dieBeforeManifest(world, "bak_3", new Map([["large", frames(2, 9)]]));
    expect((await area.interruptedBackups({ endedBackupIds: ["bak_3"] })).length).toBe(1);
    // A pass named its pack dead two hours ago, by the clock of the one that asks now.
    await collect(area, -2 + 1.1 + 2);
    const clock = { now: () => new Date(Date.now() + 3 * hourMs), monotonicMs: () => 0 };
    const later = (await openRepository(world.store, { clock })).area("srv_1");
    expect((await later.doomedPacks()).size).toBe(1);
    expect(await later.interruptedBackups({ endedBackupIds: ["bak_3"] })).toEqual([]);
    expect((await takeAgain(later, "bak_4", ["bak_3"], new Map([["large", frames(2, 9)]]))).salvaged).toBe(0n);
  });
});

/** Says of every frame what would be true of another one. */
class LyingEncoder extends InlineEncoder {
  readonly #truth: Uint8Array;

  constructor(truth: Uint8Array) {
    super();
    this.#truth = truth;
  }

  override async encode(job: FrameJob): Promise<FrameOutcome> {
    const fingerprinter = await loadFingerprinter(job.fingerprintSeed);
    const told = encodeFrame({ ...job, plain: this.#truth.slice() }, fingerprinter);
    const stored = encodeFrame(job, fingerprinter);
    if (told.kind !== "encoded" || stored.kind !== "encoded") throw new Error("nothing was encoded");
    return { ...told, stored: stored.stored };
  }
}
