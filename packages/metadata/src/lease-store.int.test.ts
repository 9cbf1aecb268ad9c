import { newId } from "@tidemark/kit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TestMetadata, testMetadata } from "./test-database.ts";

let database: TestMetadata;
beforeAll(async () => {
  database = await testMetadata();
});
afterAll(() => database[Symbol.asyncDispose]());

const workerA = newId("worker");
const workerB = newId("worker");
const request = (key: string, workerId: string, ttlMs = 60_000, runId: string | null = null) => ({
  key,
  workerId,
  runId,
  ttlMs,
});
/** As if its holder had stopped renewing long ago; the clock is the database's, so it is moved there. */
const expire = (key: string) =>
  database.server.query("UPDATE lease SET expires_at = now() - interval '1 s' WHERE key = $1", [key], {
    database: "tidemark",
  });

describe("leases", () => {
  it("go to exactly one of many that ask at once", async () => {
    const { leases } = database.metadata;
    const asked = await Promise.all(
      Array.from({ length: 10 }, (_, index) => leases.acquire(request("one", index % 2 ? workerA : workerB))),
    );
    expect(asked.filter((held) => held !== null)).toHaveLength(1);
    // Not even to another run of the worker that holds it.
    const holder = await leases.holder("one");
    expect(await leases.acquire(request("one", holder?.workerId ?? ""))).toBeNull();
  });

  it("are taken over when they expired, with a higher fence that shuts the old holder out", async () => {
    const { leases } = database.metadata;
    const old = await leases.acquire(request("taken", workerA));
    if (old === null) throw new Error("not acquired");
    expect(await leases.acquire(request("taken", workerB))).toBeNull();
    await expire("taken");
    expect(await leases.holder("taken")).toBeNull();
    const [first, second] = await Promise.all([
      leases.acquire(request("taken", workerB)),
      leases.acquire(request("taken", workerB)),
    ]);
    const held = first ?? second;
    expect([first, second].filter((one) => one !== null)).toHaveLength(1);
    expect(held?.fence).toBe(old.fence + 1n);
    await expect(leases.renew(old, 60_000)).rejects.toMatchObject({ code: "lease-lost", retry: "now" });
    expect(await leases.release(old)).toBe(false);
    expect(await leases.holder("taken")).toMatchObject({ workerId: workerB, fence: old.fence + 1n });
  });

  it("are kept by renewing, also after they expired while nobody took them", async () => {
    const { leases } = database.metadata;
    const held = await leases.acquire(request("kept", workerA, 1_000));
    if (held === null) throw new Error("not acquired");
    const renewed = await leases.renew(held, 60_000);
    expect(renewed.fence).toBe(held.fence);
    expect(renewed.expiresAt.getTime()).toBeGreaterThan(held.expiresAt.getTime());
    await expire("kept");
    expect((await leases.renew(held, 60_000)).fence).toBe(held.fence);
    expect(await leases.acquire(request("kept", workerB))).toBeNull();
  });

  it("keep their fence growing over release, and their row can neither shrink it nor go", async () => {
    const { leases } = database.metadata;
    let fence = 0n;
    for (let turn = 0; turn < 3; turn++) {
      const held = await leases.acquire(request("again", workerA));
      if (held === null) throw new Error("not acquired");
      expect(held.fence).toBeGreaterThan(fence);
      fence = held.fence;
      expect(await leases.release(held)).toBe(true);
      await expect(leases.renew(held, 1_000)).rejects.toMatchObject({ code: "lease-lost" });
    }
    const sql = (text: string) => database.server.query(text, [], { database: "tidemark" });
    await expect(sql("UPDATE lease SET fence = 0 WHERE key = 'again'")).rejects.toThrow("must not shrink");
    await expect(sql("DELETE FROM lease WHERE key = 'again'")).rejects.toThrow("never deleted");
  });

  it("name the run they are held for, and are freed with it", async () => {
    const { leases, runs } = database.metadata;
    const { run } = await runs.create({ kind: "backup", request: {}, requestedBy: "tidemark" });
    await leases.acquire(request("server:a", workerA, 60_000, run.id));
    await leases.acquire(request("server:b", workerA, 60_000, run.id));
    expect(await leases.holder("server:a")).toMatchObject({ runId: run.id, runKind: "backup" });
    expect(await leases.releaseOfRun(run.id)).toBe(2);
    expect(await leases.holder("server:a")).toBeNull();
    expect(await leases.acquire(request("server:b", workerB))).not.toBeNull();
  });
});
