import { rgwServer, type S3Server, swiftServer } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { objectStoreContract } from "../contract-suite.ts";
import type { ObjectStore } from "../object-store.ts";
import { openStore } from "../open-store.ts";
import { parseStoreCredentials } from "../store-credentials.ts";

const servers: Record<string, S3Server | null> = {};

beforeAll(async () => {
  const starts = { swift: swiftServer(), ceph: rgwServer() };
  await Promise.allSettled(Object.values(starts));
  for (const [name, start] of Object.entries(starts)) servers[name] = await start;
});

afterAll(async () => {
  for (const server of Object.values(servers)) await server?.[Symbol.asyncDispose]();
});

for (const name of ["swift", "ceph"]) {
  describe(name, () => {
    let bucket: { at(prefix: string): string } | undefined;
    let number = 0;
    beforeAll(async () => {
      bucket = await servers[name]?.newBucket("contract-bucket");
    });
    for (const { guarantee, run } of objectStoreContract) {
      it(guarantee, async ({ skip }) => {
        const server = servers[name];
        if (bucket === undefined || server == null) return skip();
        await run(await open(server, bucket.at(`case-${number++}`)));
      });
    }
  });
}

describe("what a real store can do is found on the store", () => {
  const tried = async (name: string, bucket: string, options = {}) => {
    const server = servers[name];
    if (server == null) return null;
    const made = await server.newBucket(bucket, options);
    return { server, store: await open(server, made.at("vault")), url: made.at("vault") };
  };

  it("Swift cannot create exclusively", async ({ skip }) => {
    const { store } = (await tried("swift", "probe-bucket")) ?? skip();
    expect(await store.probe()).toMatchObject({ exclusiveCreate: false, writable: true, checksumTrailers: false });
  });

  it("Ceph can, but not in a versioned bucket", async ({ skip }) => {
    const { store } = (await tried("ceph", "probe-bucket")) ?? skip();
    expect(await store.probe()).toMatchObject({ exclusiveCreate: true, versioning: "off", objectLock: null });
    const versioned = (await tried("ceph", "versioned-bucket", { versioned: true })) ?? skip();
    expect(await versioned.store.probe()).toMatchObject({ exclusiveCreate: false, versioning: "on" });
  });

  it("a versioned bucket forgets what was deleted, and takes the key again", async ({ skip }) => {
    const { store } = (await tried("ceph", "versioned-again", { versioned: true })) ?? skip();
    await store.put("a/b", Buffer.from("one"));
    await expect(store.put("a/b", Buffer.from("two"))).rejects.toMatchObject({ code: "object-exists" });
    await store.delete("a/b");
    expect(await store.stat("a/b")).toBeNull();
    await expect(store.get("a/b")).rejects.toMatchObject({ code: "object-missing" });
    expect(await store.isEmpty()).toBe(true);
    await store.put("a/b", Buffer.from("two"));
    expect(Buffer.from(await store.get("a/b")).toString()).toBe("two");
  });

  it("a bucket with object lock says so", async ({ skip }) => {
    const { store } = (await tried("ceph", "locked-bucket", { locked: true })) ?? skip();
    expect(await store.probe()).toMatchObject({ versioning: "on", objectLock: { byDefault: null } });
  });

  // Not on Swift: a thousand writes of two requests each are too slow there for what a stub pages through as well.
  it("Ceph lists more than a page of keys, in order", async ({ skip }) => {
    const { store } = (await tried("ceph", "many-keys")) ?? skip();
    await store.probe();
    const keys = Array.from({ length: manyKeys }, (_, number) => `a/${String(number).padStart(5, "0")}`);
    const left = [...keys];
    const put = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) await store.put(key, Buffer.of(1));
    };
    await Promise.all(Array.from({ length: 16 }, put));
    const found: string[] = [];
    for await (const { key } of store.list("a/")) found.push(key);
    expect(found).toEqual(keys);
  });

  it.each(["swift", "ceph"])("%s refuses a wrong secret and an unknown key by name", async (name) => {
    const { server, url } = (await tried(name, "refusals")) ?? {};
    if (server === undefined || url === undefined) return;
    for (const wrong of [
      { ...server, secretAccessKey: "wrong" },
      { ...server, accessKeyId: "nobody:nowhere" },
    ]) {
      const store = await open(wrong, url);
      await expect(store.get("a")).rejects.toMatchObject({ code: "storage-credentials-wrong" });
      await expect(store.stat("a")).rejects.toMatchObject({ code: "storage-credentials-wrong" });
    }
    const nowhere = await open(server, url.replace("refusals", "no-such-bucket"));
    await expect(nowhere.stat("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
    await expect(nowhere.get("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
  });
});

/** More than the 1,000 names of a page. */
const manyKeys = 1_005;

function open(server: Pick<S3Server, "accessKeyId" | "secretAccessKey">, url: string): Promise<ObjectStore> {
  const text = `access_key_id=${server.accessKeyId}\nsecret_access_key=${server.secretAccessKey}`;
  return openStore(url, { credentials: parseStoreCredentials(text) });
}
