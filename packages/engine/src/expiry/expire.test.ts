import { AppError } from "@tidemark/kit";
import { keepEverything } from "@tidemark/policy";
import { createRepository, type Repository, type ServerArea } from "@tidemark/repository";
import { MemoryStore } from "@tidemark/storage";
import { type FakeClock, fakeClock } from "@tidemark/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ActControl } from "../act.ts";
import { listCatalog } from "../catalog.ts";
import { storeBackup } from "../store-backup.fixture.ts";
import { collectGarbage, executeDeletion, executeExpiry, planDeletion, planExpiry } from "./expire.ts";

const control: ActControl = { signal: new AbortController().signal, emit: () => undefined };
const keepOne = { ...keepEverything, keepLast: 1 };

describe("retention of a repository", () => {
  let store: MemoryStore;
  let repository: Repository;
  let area: ServerArea;
  let clock: FakeClock;
  let ids: string[];

  beforeEach(async () => {
    clock = fakeClock("2026-03-01T00:00:00Z");
    store = new MemoryStore(clock);
    repository = await createRepository(store, { encryption: "none", clock });
    area = repository.area("srv_test");
    ids = [];
    for (let day = 0; day < 3; day++) ids.push(await storeBackup(area, clock, `day ${day}`));
  });
  afterEach(() => repository.close());

  const present = async () => (await listCatalog(area)).map((entry) => entry.backup.backupId);
  const mark = (backupId: string, kind: "hold" | "release" | "damaged") =>
    area.addMark(backupId, { kind, text: "", by: "dba", at: clock.now() });

  it("deletes what the plan names, oldest first, and twice is the same as once", async () => {
    const plan = await planExpiry({ area, clock }, keepOne);
    expect(plan.retention.deleted.map((one) => one.backupId)).toEqual([ids[1], ids[0]]);
    expect(await executeExpiry({ area, clock }, plan, control)).toMatchObject({
      deletedIds: [ids[0], ids[1]],
      keptCount: 1,
    });
    expect(await executeExpiry({ area, clock }, plan, control)).toMatchObject({
      deletedIds: [],
      alreadyGoneIds: [ids[0], ids[1]],
    });
    expect(await present()).toEqual([ids[2]]);
  });

  it("refuses a plan that has gone stale, and deletes nothing", async () => {
    const plan = await planExpiry({ area, clock }, keepOne);
    await mark(ids[0] ?? "", "hold");
    await expect(executeExpiry({ area, clock }, plan, control)).rejects.toMatchObject({ code: "plan-stale" });
    expect(await present()).toEqual(ids);
  });

  it("keeps of copies the newest that was proven where they come from", async () => {
    const deps = { area, clock, provenIds: new Set([ids[0] ?? ""]) };
    await executeExpiry(deps, await planExpiry(deps, keepOne), control);
    expect(await present()).toEqual([ids[0], ids[2]]);
  });

  it("refuses to delete the last usable backup when the newer one turned out damaged", async () => {
    const plan = await planExpiry({ area, clock }, keepOne);
    await mark(ids[2] ?? "", "damaged");
    await expect(executeExpiry({ area, clock }, plan, control)).rejects.toMatchObject({ code: "plan-stale" });
    expect(await present()).toEqual(ids);
  });

  it("keeps a newest backup whose manifest cannot be read, and the newest usable one beside it", async () => {
    const key = `srv_test/backups/${ids[2]}`;
    await store.delete(key);
    await store.put(key, Buffer.from("rot"));
    const { retention } = await planExpiry({ area, clock }, keepOne);
    expect(retention.kept.map((one) => [one.backupId, one.reasons[0]?.code])).toEqual([
      [ids[2], "damaged-not-superseded"],
      [ids[1], "newest-usable"],
    ]);
    expect(retention.deleted.map((one) => one.backupId)).toEqual([ids[0]]);
  });

  it("stops between two deletions when one is held meanwhile", async () => {
    const plan = await planExpiry({ area, clock }, keepOne);
    const onStep = async (step: string) => {
      if (step === "expiry:between-deletes") await mark(ids[1] ?? "", "hold");
    };
    await expect(executeExpiry({ area, clock }, plan, { ...control, onStep })).rejects.toMatchObject({
      code: "plan-stale",
    });
    expect(await present()).toEqual([ids[1], ids[2]]);
  });

  it("goes on where an earlier attempt died", async () => {
    const plan = await planExpiry({ area, clock }, keepOne);
    const death = new Error("killed");
    const onStep = (step: string) => {
      if (step === "expiry:between-deletes") throw death;
    };
    await expect(executeExpiry({ area, clock }, plan, { ...control, onStep })).rejects.toThrow(death);
    expect(await executeExpiry({ area, clock }, plan, control)).toMatchObject({
      deletedIds: [ids[1]],
      alreadyGoneIds: [ids[0]],
    });
  });

  it("frees the packs of deleted backups after two passes and the grace period, and no others", async () => {
    const packs = async () => {
      let count = 0;
      for await (const _ of store.list("srv_test/packs/")) count++;
      return count;
    };
    const before = await packs();
    await executeExpiry({ area, clock }, await planExpiry({ area, clock }, keepOne), control);
    clock.advance(3_600_000);
    const request = { graceMs: 60_000, runningBackupIds: [] };
    expect(await collectGarbage({ area, clock }, request, control)).toMatchObject({ removedPacks: 0 });
    expect(await packs()).toBe(before);
    clock.advance(3_600_000);
    const report = await collectGarbage({ area, clock }, request, control);
    expect(report.removedPacks).toBe(before - 1);
    expect(report.freedBytes).toBeGreaterThan(0n);
    expect((await listCatalog(area))[0]?.backup.damaged).toBeNull();
  });

  it.each([
    ["a held one", 0, "hold", "backup-held"],
    ["the newest usable one", 2, null, "backup-protected"],
  ] as const)("a person cannot delete %s", async (_, index, kind, code) => {
    const id = ids[index] ?? "";
    if (kind !== null) await mark(id, kind);
    const plan = await planDeletion({ area, clock }, id);
    expect(plan).toMatchObject({ allowed: false, code });
    await expect(executeDeletion({ area, clock }, plan, control)).rejects.toBeInstanceOf(AppError);
    expect(await present()).toEqual(ids);
  });

  it("a person can delete an older one, once", async () => {
    const plan = await planDeletion({ area, clock }, ids[0] ?? "");
    expect(plan).toMatchObject({ allowed: true, sentence: expect.stringContaining("2 usable backups remain") });
    expect(await executeDeletion({ area, clock }, plan, control)).toMatchObject({ deletedIds: [ids[0]], keptCount: 2 });
    expect(await executeDeletion({ area, clock }, plan, control)).toMatchObject({ alreadyGoneIds: [ids[0]] });
    await expect(planDeletion({ area, clock }, ids[0] ?? "")).rejects.toMatchObject({ code: "not-found" });
  });
});
