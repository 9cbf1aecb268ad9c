import { describe, expect, it, vi } from "vitest";
import {
  digestsOf,
  InlineEncoder,
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
  writeFiles,
} from "../test-repository.ts";
import type { CollectionOptions, ServerArea } from "../types.ts";

const hour = 3_600_000;
const graceMs = hour;
const base = Date.now();
const at = (hours: number, runningBackupIds: readonly string[] = []): CollectionOptions => ({
  now: new Date(base + hours * hour),
  graceMs,
  runningBackupIds,
});
const files = (seed: number): Map<string, Uint8Array> => new Map([["large", noise(400_000, seed)]]);

async function pass(
  area: ServerArea,
  options: CollectionOptions,
): Promise<{ marked: number; removed: number; revoked: readonly string[] }> {
  const plan = await area.planCollection(options);
  const report = await area.executeCollection(plan);
  return { marked: report.marked, removed: report.removedPacks, revoked: plan.revoke };
}

async function begin(area: ServerArea, backupId: string, parentId: string | null) {
  return area.beginBackup({ backupId, parentId, startedAt: new Date(0), encoder: new InlineEncoder() });
}

describe("the collection", () => {
  it("takes a pack only after two passes and the grace period between them", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    await takeTestBackup(area, "bak_2", null, files(2));
    await area.deleteBackup("bak_1");
    expect(await pass(area, at(0))).toMatchObject({ marked: 0, removed: 0 });
    expect(await pass(area, at(2))).toMatchObject({ marked: 1, removed: 0 });
    expect(await pass(area, at(2.5))).toMatchObject({ marked: 0, removed: 0 });
    expect(await pass(area, at(3.1))).toMatchObject({ marked: 0, removed: 1 });
    expect((await keysOf(store, "srv_1/packs/")).length).toBe(1);
    expect(digestsOf(await readTestBackup(area, "bak_2"))).toEqual(digestsOf(files(2)));
  });

  it("removes the marks that a deletion left when it died after the manifest, and no others", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    await takeTestBackup(area, "bak_2", null, files(2));
    const note = { kind: "note" as const, text: "keep", by: "user:test", at: new Date(base) };
    for (const backupId of ["bak_1", "bak_2"]) await area.addMark(backupId, note);
    await store.delete("srv_1/backups/bak_1");
    await pass(area, at(0));
    expect(await keysOf(store, "srv_1/marks/bak_1/")).toEqual([]);
    expect((await area.marks("bak_2")).map((mark) => mark.text)).toEqual(["keep"]);
  });

  it("forgets how long a pack was dead when a backup needed it meanwhile", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    const writer = await begin(area, "bak_2", "bak_1");
    await writeFiles(writer, files(1));
    await writer.drain();
    await area.deleteBackup("bak_1");
    expect(await pass(area, at(2, ["bak_2"]))).toMatchObject({ marked: 1 });
    expect((await writer.commit(testFacts)).counts?.storedBytes).toBe(0n);
    await pass(area, at(3));
    await area.deleteBackup("bak_2");
    expect(await pass(area, at(4))).toMatchObject({ marked: 1, removed: 0 });
    expect(await pass(area, at(6))).toMatchObject({ removed: 1 });
  });

  it("removes nothing while a backup runs, nor what it wrote", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    await area.deleteBackup("bak_1");
    await pass(area, at(2));
    const writer = await begin(area, "bak_2", null);
    await writeFiles(writer, new Map([["large", noise(40 * 1024 * 1024, 3)]]));
    expect(await pass(area, at(5, ["bak_2"]))).toMatchObject({ marked: 0, removed: 0, revoked: [] });
    await vi.waitFor(async () => expect((await keysOf(store, "srv_1/packs/")).length).toBe(2), { timeout: 15_000 });
    expect(await pass(area, at(5.5, ["bak_2"]))).toMatchObject({ marked: 0, removed: 0, revoked: [] });
    await writer.commit(testFacts);
    expect(await pass(area, at(6))).toMatchObject({ removed: 1 });
  });

  it("believes a writer no database knows to be alive for the grace period", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    await area.deleteBackup("bak_1");
    await pass(area, at(2));
    const writer = await begin(area, "bak_2", null);
    expect((await area.planCollection({ ...at(0.5), graceMs })).revoke).toEqual([]);
    expect((await area.planCollection({ ...at(0.5), graceMs })).remove).toEqual([]);
    await writer.abort();
  });

  it("claims the manifest of a dead run before its packs go, so that a paused writer cannot commit", async () => {
    const { area } = await newTestRepository();
    const writer = await begin(area, "bak_1", null);
    await writeFiles(writer, files(1));
    await writer.drain();
    expect(await pass(area, at(2))).toMatchObject({ revoked: ["bak_1"] });
    await expect(writer.commit(testFacts)).rejects.toMatchObject({ code: "backup-revoked" });
    expect(await area.listBackups()).toEqual([]);
    await expect(begin(area, "bak_1", null)).rejects.toMatchObject({ code: "backup-revoked" });
    await expect(area.openManifest("bak_1")).rejects.toMatchObject({ code: "manifest-missing" });
  });

  it("refuses a plan when a backup was committed after it", async () => {
    const { area } = await newTestRepository();
    const writer = await begin(area, "bak_1", null);
    await writeFiles(writer, files(1));
    await writer.drain();
    const plan = await area.planCollection(at(2));
    expect(plan.revoke).toEqual(["bak_1"]);
    await writer.commit(testFacts);
    await expect(area.executeCollection(plan)).rejects.toMatchObject({ code: "plan-stale" });
    expect(digestsOf(await readTestBackup(area, "bak_1"))).toEqual(digestsOf(files(1)));
  });

  it("lets a writer go on whose parent was deleted, or is damaged, and says so", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    const writer = await begin(area, "bak_2", "bak_1");
    await area.deleteBackup("bak_1");
    await writeFiles(writer, files(1));
    expect(writer.parentProblem).toContain("bak_1");
    expect((await writer.commit(testFacts)).parentId).toBeNull();
    const third = await begin(area, "bak_3", "bak_1");
    expect(third.parentProblem).toContain("bak_1");
    await third.abort();
    expect(digestsOf(await readTestBackup(area, "bak_2"))).toEqual(digestsOf(files(1)));
  });

  it("makes a writer whose parent's packs were taken fail instead of promising them", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    const writer = await begin(area, "bak_2", "bak_1");
    await writeFiles(writer, files(1));
    for (const key of await keysOf(store, "srv_1/packs/")) await store.delete(key);
    await expect(writer.commit(testFacts)).rejects.toMatchObject({ code: "pack-missing" });
  });
});

describe("marks", () => {
  it("hold a backup until they are released", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(1));
    const hold = await area.addMark("bak_1", { kind: "hold", text: "audit", by: "ada", at: new Date(1_000) });
    expect(await area.marks("bak_1")).toEqual([hold]);
    await expect(area.deleteBackup("bak_1")).rejects.toMatchObject({ code: "backup-held" });
    await area.addMark("bak_1", { kind: "release", text: "", by: "ada", at: new Date(2_000) });
    await area.deleteBackup("bak_1");
    expect(await area.marks("bak_1")).toEqual([]);
    expect(await area.listBackups()).toEqual([]);
  });
});
