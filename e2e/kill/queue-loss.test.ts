import { DrillResult } from "@tidemark/jobs";
import { emptyQueue as emptyTables, type RedisServer, redisServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Act, backupAct } from "./acts.ts";
import { type Product, startProduct } from "./product.ts";

describe.each(["postgresql", "redis"] as const)("with the queue in %s and two workers", (backend) => {
  let redis: RedisServer | null = null;
  let product: Product;
  let backup: Act;

  beforeAll(async () => {
    if (backend === "redis") redis = await redisServer();
    product = await startProduct(redis === null ? {} : { redisUrl: redis.url });
    await product.startWorker();
    backup = backupAct(product);
    expect(product.queues.backend).toBe(backend);
  });

  afterAll(async () => {
    await product[Symbol.asyncDispose]();
    await redis?.[Symbol.asyncDispose]();
  });

  it("takes, verifies and proves a backup", async () => {
    const { serverId } = product;
    const taken = await product.endedAs(await backup.start(), "succeeded");
    const backupId = taken.backupId ?? "";
    const verify = await product.request(
      "verify",
      { serverId, backupId, tier: "whole", subset: null, repositoryId: null },
      { backupId },
    );
    await product.endedAs(verify.id, "succeeded");
    const drill = await product.request("drill", { serverId, backupId }, { backupId });
    const drilled = await product.endedAs(drill.id, "succeeded");
    expect(DrillResult.parse(drilled.result).outcome).toBe("proven");
    const row = await product.metadata.backups.get(backupId);
    expect(row).toMatchObject({ state: "restorable" });
    expect(row?.verifiedAt).toBeInstanceOf(Date);
    expect(row?.provenAt).toBeInstanceOf(Date);
  });

  it("loses nothing when the queue is emptied in the middle of a backup", async () => {
    product.order.stopAt(["backup:before-middle-file"]);
    const first = await backup.start();
    await product.order.untilReached("backup:before-middle-file");
    // It waits for the first; the api's word for it is in the queue as well.
    const second = await backup.start();
    await emptyQueue();
    expect((await product.metadata.runs.get(first))?.state).toBe("running");
    product.order.clear();
    await product.endedAs(first, "succeeded");
    await product.endedAs(second, "succeeded");
  });

  it("does once what is rung for twice, by one worker or by several", async () => {
    product.order.stopAt(["backup:before-commit"]);
    const runId = await backup.start();
    await product.order.untilReached("backup:before-commit");
    // The bell is taken already; emptied of it, the queue takes the same bell again and gives it to whoever is free.
    await emptyQueue();
    for (let times = 0; times < 3; times++) await product.queues.ring(runId, "backup");
    const other = await product.request("restore-plan", {
      serverId: product.serverId,
      backupId: null,
      targetDirectory: product.managed.dir.join("never-made"),
      tablespaces: [],
      owner: null,
      delta: false,
      databases: null,
    });
    await product.endedAs(other.id, "succeeded");
    product.order.clear();
    const run = await product.endedAs(runId, "succeeded");
    expect(run.attempts).toBe(1);
    const before = await product.area.listBackups();
    await product.queues.ring(runId, "backup");
    await product.endedAs(await backup.start(), "succeeded");
    expect((await product.metadata.runs.get(runId))?.attempts).toBe(1);
    expect((await product.area.listBackups()).length).toBe(before.length + 1);
  });

  /** As after FLUSHALL, or a database restored without it. */
  async function emptyQueue(): Promise<void> {
    if (redis !== null) {
      expect(await redis.command("FLUSHALL")).toBe("+OK");
      return;
    }
    await emptyTables(product.metadataServer, "tidemark");
  }
});
