import { type ObjectStore, openStore, parseStoreCredentials, RetryingStore } from "@tidemark/storage";
import { type BucketAddress, type S3Server, swiftServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRepository } from "../open-repository.ts";
import { type RepositoryStep, repositorySteps } from "../steps.ts";
import { keysOf, newTestRepository, noise, readTestBackup, takeTestBackup, testKey } from "../test-repository.ts";
import type { ServerArea } from "../types.ts";

// The steps of backup-crash.test.ts over a real S3 store, one without exclusive create: what a process leaves that dies.

const hour = 3_600_000;
const files = new Map([
  ["large", noise(500_000, 1)],
  ["small", noise(5_000, 2)],
]);
const changed = new Map([...files, ["large", noise(500_000, 3)]]);

let server: S3Server | null = null;
let bucket: BucketAddress | undefined;

beforeAll(async () => {
  server = await swiftServer();
  bucket = await server?.newBucket("crashes");
});

afterAll(() => server?.[Symbol.asyncDispose]());

/** A store of the case's own, with every object of every process before it still there. */
async function storeAt(prefix: string): Promise<ObjectStore | null> {
  if (server === null || bucket === undefined) return null;
  const text = `access_key_id = ${server.accessKeyId}\nsecret_access_key = ${server.secretAccessKey}\n`;
  return new RetryingStore(await openStore(bucket.at(prefix), { credentials: parseStoreCredentials(text) }));
}

async function dyingAt(store: ObjectStore, step: RepositoryStep): Promise<ServerArea> {
  const onStep = (reached: RepositoryStep): void => {
    if (reached === step) throw new Error(`killed at ${step}`);
  };
  return (await openRepository(store, { key: testKey, onStep, openerThreads: 1 })).area("srv_1");
}

async function reopened(store: ObjectStore): Promise<ServerArea> {
  return (await openRepository(store, { key: testKey, openerThreads: 1 })).area("srv_1");
}

async function collectAll(area: ServerArea): Promise<void> {
  for (const hours of [10, 20]) {
    const now = new Date(Date.now() + hours * hour);
    await area.executeCollection(await area.planCollection({ now, graceMs: hour, runningBackupIds: [] }));
  }
}

const nameOf = (step: string): string => step.replaceAll(":", "-");

describe.each(repositorySteps.filter((step) => /^(backup|pack|manifest|commit):/.test(step)))(
  "a writer that dies at %s",
  (step) => {
    it("leaves a whole backup or none, and the next run succeeds", async ({ skip }) => {
      const store = (await storeAt(nameOf(step))) ?? skip();
      const { area, repository } = await newTestRepository({ store });
      await takeTestBackup(area, "bak_1", null, files);
      await repository.close();
      await expect(takeTestBackup(await dyingAt(store, step), "bak_2", "bak_1", changed)).rejects.toThrow("killed");
      const after = await reopened(store);
      const listed = (await after.listBackups()).map(({ backupId }) => backupId);
      if (listed.length === 2) expect(await readTestBackup(after, "bak_2")).toEqual(changed);
      else expect(listed).toEqual(["bak_1"]);
      await takeTestBackup(after, "bak_3", "bak_1", changed);
      await collectAll(after);
      expect(await readTestBackup(after, "bak_1")).toEqual(files);
      expect(await readTestBackup(after, "bak_3")).toEqual(changed);
      expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
      expect((await keysOf(store, "srv_1/packs/")).length).toBe(listed.length + 1);
    });
  },
);

describe.each(repositorySteps.filter((step) => step.startsWith("delete:")))("a deletion that dies at %s", (step) => {
  it("leaves the backup whole or gone, and can be repeated", async ({ skip }) => {
    const store = (await storeAt(nameOf(step))) ?? skip();
    const { area, repository } = await newTestRepository({ store });
    await takeTestBackup(area, "bak_1", null, files);
    await repository.close();
    await expect((await dyingAt(store, step)).deleteBackup("bak_1")).rejects.toThrow("killed");
    const after = await reopened(store);
    for (const { backupId } of await after.listBackups()) expect(await readTestBackup(after, backupId)).toEqual(files);
    await after.deleteBackup("bak_1");
    await collectAll(after);
    expect((await keysOf(store, "srv_1/")).filter((key) => !key.includes("/marks/collection/"))).toEqual([]);
  });
});
