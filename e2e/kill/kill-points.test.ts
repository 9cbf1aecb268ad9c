import { rm } from "node:fs/promises";
import { adoptCluster } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Act, backupAct, type RestoreAct, restoreAct, retentionAct } from "./acts.ts";
import { type ApiProcess, startApi } from "./api-process.ts";
import { checkRepository } from "./check-repository.ts";
import { createKiller, type Killer } from "./kill-and-check.ts";
import { type Kill, reportKills } from "./kill-table.ts";
import { type Product, startProduct } from "./product.ts";
import { stepsOfBackup, stepsOfGivingUp, stepsOfRestore, stepsOfRetention } from "./steps.ts";

describe("kill -9 before each durable step", () => {
  const kills: Kill[] = [];
  let product: Product;
  let api: ApiProcess;
  let killer: Killer;
  let backup: Act;
  let restore: RestoreAct;
  let retention: Act;

  beforeAll(async () => {
    product = await startProduct();
    api = await startApi(product);
    killer = createKiller(product, api, kills);
    backup = backupAct(product);
    restore = restoreAct(product);
    retention = retentionAct(product);
    await product.endedAs(await backup.start(), "succeeded");
    // Ended cleanly once, a program leaves its compiled form to all that are started after it.
    await product.worker.stop();
    await product.startWorker();
    await api.program.stop();
    await api.start();
  });

  afterAll(async () => {
    reportKills(kills);
    await api.program.stop();
    await product[Symbol.asyncDispose]();
  });

  describe("of a backup", () => {
    it.each(stepsOfBackup)("loses nothing when the worker dies at %s", (step) => killer.killWorker(backup, step));

    it.each(stepsOfBackup)("fails or has all it needs when the managed server dies at %s", async (step) => {
      const run = await killer.killServer(backup, step);
      expect(run.error?.code ?? "none").not.toBe("internal");
    });

    it.each(stepsOfGivingUp)("leaves nothing when the worker dies at %s, giving up a backup", (step) =>
      killer.killWorkerGivingUp(backup, step),
    );

    it("survives the death of the metadata database at every step", () =>
      killer.killAlong("metadata", backup, stepsOfBackup));

    it("survives the death of the api at every third step", () =>
      killer.killAlong("api", backup, everyThird(stepsOfBackup)));

    it("leaves only whole backups and what they need", () => checkRepository(product));
  });

  describe("of a restore", () => {
    it.each(stepsOfRestore)("can be repeated when the worker dies at %s", (step) => killer.killWorker(restore, step));

    it("can be repeated when the worker dies while it clears what one that died before has left", async () => {
      await restore.prepare();
      await killer.killWorkerAndLeave(restore, "restore:before-middle-frame");
      await killer.killWorkerAndLeave(restore, "restore:before-clear");
      await product.endedAs(await restore.start(), "succeeded");
    });

    it.each(["metadata", "server"] as const)("survives the death of the %s at every step", (victim) =>
      killer.killAlong(victim, restore, stepsOfRestore),
    );

    it("survives the death of the api at every third step", () =>
      killer.killAlong("api", restore, everyThird(stepsOfRestore)));

    it("gives a server that starts and has every row", async () => {
      await restore.prepare();
      await product.endedAs(await restore.start(), "succeeded");
      const { managed } = product;
      const restored = await adoptCluster(managed.dir, managed, { dataDir: restore.target });
      try {
        const sql = "SELECT count(*)::int AS rows, sum(n)::text AS sum FROM kept";
        expect(await restored.query(sql)).toEqual(await managed.query(sql));
      } finally {
        await restored.stop();
        await rm(restore.target, { recursive: true });
      }
    });
  });

  describe("of a retention", () => {
    it.each(stepsOfRetention)("deletes each backup whole or not at all when the worker dies at %s", (step) =>
      killer.killWorker(retention, step),
    );

    it.each(["metadata", "server"] as const)("survives the death of the %s at every step", (victim) =>
      killer.killAlong(victim, retention, stepsOfRetention),
    );

    it("survives the death of the api at every third step", () =>
      killer.killAlong("api", retention, everyThird(stepsOfRetention)));

    it("leaves only whole backups and what they need", () => checkRepository(product));
  });

  it("has killed each of the four, 50 times and more together", () => {
    expect(new Set(kills.map(({ victim }) => victim)).size).toBe(4);
    expect(kills.length).toBeGreaterThanOrEqual(50);
  });
});

/** The api takes no part in an act once its run is there, and takes a second to start again. */
function everyThird<Step>(steps: readonly Step[]): readonly Step[] {
  return steps.filter((_, index) => index % 3 === 0);
}
