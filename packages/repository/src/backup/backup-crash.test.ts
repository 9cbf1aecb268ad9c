import { AppError } from "@tidemark/kit";
import { FaultyStore, MemoryStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import { openRepository } from "../open-repository.ts";
import { type RepositoryStep, repositorySteps } from "../steps.ts";
import {
  digestsOf,
  InlineEncoder,
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
  testKey,
  testOpeners,
  writeFiles,
} from "../test-repository.ts";
import type { ServerArea } from "../types.ts";

const hour = 3_600_000;
const files = new Map([
  ["large", noise(500_000, 1)],
  ["small", noise(5_000, 2)],
]);
const changed = new Map([...files, ["large", noise(500_000, 3)]]);

/** A repository with one backup, reopened so that it dies when it comes to `step`. */
async function dyingAt(step: RepositoryStep): Promise<{ store: MemoryStore; area: ServerArea }> {
  const store = new MemoryStore();
  const { area, repository } = await newTestRepository({ store });
  await takeTestBackup(area, "bak_1", null, files);
  await repository.close();
  const onStep = (reached: RepositoryStep): void => {
    if (reached === step) throw new Error(`killed at ${step}`);
  };
  return { store, area: (await openRepository(store, { key: testKey, onStep, openers: testOpeners })).area("srv_1") };
}

async function reopened(store: MemoryStore): Promise<ServerArea> {
  return (await openRepository(store, { key: testKey, openers: testOpeners })).area("srv_1");
}

/** Two passes with everything past the grace period: what is garbage is gone afterwards. */
async function collectAll(area: ServerArea): Promise<void> {
  for (const hours of [10, 20]) {
    const now = new Date(Date.now() + hours * hour);
    const plan = await area.planCollection({ now, graceMs: hour, runningBackupIds: [] });
    await area.executeCollection(plan);
  }
}

const backupSteps = repositorySteps.filter((step) => /^(backup|pack|manifest|commit):/.test(step));

describe.each(backupSteps)("a writer that dies at %s", (step) => {
  it("leaves a whole backup or none, the next run succeeds, and its garbage is collected", async () => {
    const { store, area } = await dyingAt(step);
    await expect(takeTestBackup(area, "bak_2", "bak_1", changed)).rejects.toThrow("killed");
    const after = await reopened(store);
    const listed = (await after.listBackups()).map(({ backupId }) => backupId);
    const committed = step === "manifest:after-put" || step === "commit:after-lease";
    expect(listed).toEqual(committed ? ["bak_1", "bak_2"] : ["bak_1"]);
    if (committed) expect(digestsOf(await readTestBackup(after, "bak_2"))).toEqual(digestsOf(changed));
    await takeTestBackup(after, "bak_3", "bak_1", changed);
    await collectAll(after);
    expect(digestsOf(await readTestBackup(after, "bak_1"))).toEqual(digestsOf(files));
    expect(digestsOf(await readTestBackup(after, "bak_3"))).toEqual(digestsOf(changed));
    expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
    expect((await keysOf(store, "srv_1/packs/")).length).toBe(committed ? 3 : 2);
  });
});

describe.each(repositorySteps.filter((step) => step.startsWith("delete:")))("a deletion that dies at %s", (step) => {
  it("leaves the backup whole or gone, and can be repeated", async () => {
    const { store, area } = await dyingAt(step);
    await area.addMark("bak_1", { kind: "note", text: "before the move", by: "ada", at: new Date(0) });
    await expect(area.deleteBackup("bak_1")).rejects.toThrow("killed");
    const after = await reopened(store);
    if (step === "delete:before-manifest")
      expect(digestsOf(await readTestBackup(after, "bak_1"))).toEqual(digestsOf(files));
    else expect(await after.listBackups()).toEqual([]);
    await after.deleteBackup("bak_1");
    await collectAll(after);
    expect((await keysOf(store, "srv_1/")).filter((key) => !key.includes("/marks/collection/"))).toEqual([]);
  });
});

describe.each(repositorySteps.filter((step) => step.startsWith("collect:")))("a collection that dies at %s", (step) => {
  it("removes nothing that is needed, and the next ones finish its work", async () => {
    const { store, area } = await dyingAt(step);
    const before = await reopened(store);
    await takeTestBackup(before, "bak_2", "bak_1", changed);
    await before.deleteBackup("bak_2");
    const options = { now: new Date(Date.now() + 5 * hour), graceMs: hour, runningBackupIds: [] };
    await before.executeCollection(await before.planCollection(options));
    const later = { ...options, now: new Date(Date.now() + 7 * hour) };
    const plan = await area.planCollection(later);
    expect(plan.remove.length).toBe(1);
    await expect(area.executeCollection(plan)).rejects.toThrow("killed");
    const after = await reopened(store);
    expect(digestsOf(await readTestBackup(after, "bak_1"))).toEqual(digestsOf(files));
    await collectAll(after);
    expect((await keysOf(store, "srv_1/packs/")).length).toBe(1);
    expect((await keysOf(store, "srv_1/marks/collection/")).length).toBe(1);
    expect(digestsOf(await readTestBackup(after, "bak_1"))).toEqual(digestsOf(files));
  });
});

describe.each(repositorySteps.filter((step) => step.startsWith("abort:")))("an abort that dies at %s", (step) => {
  it("leaves only garbage, which is collected", async () => {
    const { store, area } = await dyingAt(step);
    const writer = await area.beginBackup({
      backupId: "bak_2",
      parentId: null,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
    });
    await writeFiles(writer, changed);
    await expect(writer.abort()).rejects.toThrow("killed");
    const after = await reopened(store);
    await collectAll(after);
    expect((await after.listBackups()).length).toBe(1);
    expect((await keysOf(store, "srv_1/packs/")).length).toBe(1);
    expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
  });
});

describe("an aborted backup", () => {
  it("leaves neither packs nor lease behind", async () => {
    const { area, store } = await newTestRepository();
    const writer = await area.beginBackup({
      backupId: "bak_1",
      parentId: null,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
    });
    await writeFiles(writer, new Map([["large", noise(40 * 1024 * 1024, 1)]]));
    await writer.abort();
    await writer.abort();
    expect(await keysOf(store, "srv_1/")).toEqual([]);
    await expect(writer.commit(testFacts)).rejects.toThrow("aborted");
  });

  it("stays when its manifest turns out to be there", async () => {
    const memory = new MemoryStore();
    const isManifest = (key: string): boolean => key.includes("/backups/");
    const effect = { kind: "error-after", code: "storage-unreachable" } as const;
    const store = new FaultyStore(memory, { faults: [{ operation: "put", matches: isManifest, effect }] });
    const { area } = await newTestRepository({ store });
    const writer = await area.beginBackup({
      backupId: "bak_1",
      parentId: null,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
    });
    await writeFiles(writer, files);
    await expect(writer.commit(testFacts)).rejects.toMatchObject({ code: "storage-unreachable" });
    await writer.abort();
    expect(digestsOf(await readTestBackup(area, "bak_1"))).toEqual(digestsOf(files));
  });

  it("cannot come into being later when its manifest's put failed", async () => {
    const memory = new MemoryStore();
    const isManifest = (key: string): boolean => key.includes("/backups/");
    const effect = { kind: "error-before", code: "storage-unreachable" } as const;
    const store = new FaultyStore(memory, { faults: [{ operation: "put", matches: isManifest, effect }] });
    const { area } = await newTestRepository({ store });
    await expect(takeTestBackup(area, "bak_1", null, files)).rejects.toMatchObject({ code: "storage-unreachable" });
    expect(await area.listBackups()).toEqual([]);
    const writer = await area
      .beginBackup({ backupId: "bak_1", parentId: null, startedAt: new Date(0), encoder: new InlineEncoder() })
      .catch((error: unknown) => error);
    // The lease of the first try is still there: the id is used up.
    expect(writer).toBeInstanceOf(AppError);
  });
});

describe("a store that fills up in the middle", () => {
  it("fails the backup as storage-full, keeps the earlier ones, and gives back what it took", async () => {
    const memory = new MemoryStore();
    const { area } = await newTestRepository({ store: memory });
    await takeTestBackup(area, "bak_1", null, files);
    const before = await keysOf(memory);
    const full = await openRepository(new FaultyStore(memory, { fullAfterBytes: 300_000 }), { key: testKey });
    const fullArea = full.area("srv_1");
    const writer = await fullArea.beginBackup({
      backupId: "bak_2",
      parentId: null,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
    });
    await writeFiles(writer, changed);
    await expect(writer.commit(testFacts)).rejects.toMatchObject({ code: "storage-full" });
    const aborted = await writer.abort().catch((error: unknown) => error);
    // The revocation needs a few bytes too; without them the packs wait for the collection.
    expect(aborted === undefined || (aborted as AppError).code === "storage-full").toBe(true);
    expect((await keysOf(memory)).filter((key) => !key.includes("leases"))).toEqual(before);
    expect(digestsOf(await readTestBackup(area, "bak_1"))).toEqual(digestsOf(files));
  });
});

describe("the same backup id", () => {
  it("is refused a second time", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files);
    await expect(takeTestBackup(area, "bak_1", null, files)).rejects.toMatchObject({ code: "object-exists" });
  });
});
