import dns from "node:dns";
import { rgwServer, type S3Server, sessionCredentialsOf, swiftServer } from "@tidemark/testkit";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
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

  it.each([
    ["swift", "storage-credentials-wrong"],
    // Where session tokens are allowed, Ceph says of both that access is denied, and not why.
    ["ceph", "storage-denied"],
  ])("%s refuses a wrong secret and an unknown key with %s", async (name, code) => {
    const { server, url } = (await tried(name, "refusals")) ?? {};
    if (server === undefined || url === undefined) return;
    for (const wrong of [
      { ...server, secretAccessKey: "wrong" },
      { ...server, accessKeyId: "nobody:nowhere" },
    ]) {
      const store = await open(wrong, url);
      await expect(store.get("a")).rejects.toMatchObject({ code });
      await expect(store.stat("a")).rejects.toMatchObject({ code });
    }
    const nowhere = await open(server, url.replace("refusals", "no-such-bucket"));
    await expect(nowhere.stat("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
    await expect(nowhere.get("a")).rejects.toMatchObject({ code: "storage-bucket-missing" });
  });
});

describe("Ceph over TLS, with a certificate of an authority of its own", () => {
  afterEach(() => void vi.restoreAllMocks());

  /** The address of a bucket there, and credentials that end; null where Ceph is not installed. */
  async function reach(
    name: string,
  ): Promise<{ url: (query: string) => string; ceph: S3Server; caFile: string } | null> {
    const { ceph } = servers;
    if (ceph == null || ceph.tls === null) return null;
    await ceph.newBucket(name);
    const { endpoint, caFile, hostName } = ceph.tls;
    resolveBelow(hostName);
    const url = (query: string) =>
      `s3://${name}/vault?endpoint=${encodeURIComponent(endpoint)}&region=${ceph.region}${query}`;
    return { url, ceph, caFile };
  }

  it.each(["path", "virtual"])(
    "takes and gives objects in %s style, small ones and in parts, with a session token",
    async (style) => {
      const { url, ceph, caFile } = (await reach(`tls-${style}`)) ?? {};
      if (url === undefined || ceph === undefined || caFile === undefined) return;
      const session = await sessionCredentialsOf(ceph, "tidemark");
      const store = await open(session, url(`&style=${style}&ca-file=${encodeURIComponent(caFile)}`));
      expect(await store.probe()).toMatchObject({ exclusiveCreate: true, writable: true });
      const large = Buffer.alloc(9 << 20, "tidemark");
      await store.put("a/small", Buffer.from("one"));
      await store.put("a/large", once(large));
      expect(Buffer.from(await store.get("a/small")).toString()).toBe("one");
      expect(Buffer.from(await store.get("a/large")).equals(large)).toBe(true);
      const found: string[] = [];
      for await (const { key } of store.list("a/")) found.push(key);
      expect(found).toEqual(["a/large", "a/small"]);

      const withoutToken = await open(
        { ...session, sessionToken: undefined },
        url(`&style=${style}&ca-file=${encodeURIComponent(caFile)}`),
      );
      await expect(withoutToken.get("a/small")).rejects.toMatchObject({ code: "storage-denied" });
    },
  );

  it("is refused without that authority, and where the certificate is for another name", async () => {
    const { url, ceph, caFile } = (await reach("tls-refused")) ?? {};
    if (url === undefined || ceph === undefined || caFile === undefined) return;
    const trusting = `&style=path&ca-file=${encodeURIComponent(caFile)}`;
    const elsewhere = url(trusting).replace(encodeURIComponent(ceph.tls?.hostName ?? ""), "127.0.0.1");
    for (const refused of [url("&style=path"), elsewhere]) {
      const store = await open(ceph, refused);
      await expect(store.stat("a")).rejects.toMatchObject({ code: "storage-tls-failed" });
      await expect(store.put("a", Buffer.of(1))).rejects.toMatchObject({ code: "storage-tls-failed" });
    }
    expect(await (await open(ceph, url(trusting))).stat("a")).toBeNull();
  });
});

describe("a clock an hour off", () => {
  afterEach(() => void vi.useRealTimers());

  it.each(["swift", "ceph"])("is told by %s, and never as 'not there'", async (name) => {
    const server = servers[name];
    if (server == null) return;
    const bucket = await server.newBucket("skewed");
    await (await open(server, bucket.at("vault"))).put("a", Buffer.of(1));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_600_000 });
    const acts: readonly ((store: ObjectStore) => Promise<unknown>)[] = [
      (store) => store.get("a"),
      (store) => store.put("c", Buffer.of(1)),
      (store) => store.listPrefixes(""),
    ];
    for (const act of acts) {
      // The SDK learns the server's time from an answer, so each act has a client of its own.
      await expect(act(await open(server, bucket.at("vault")))).rejects.toMatchObject({ code: "storage-clock-skewed" });
    }
    // What has learned the server's time answers what is true, also for a question whose answer has no room for a reason.
    const learned = await open(server, bucket.at("vault"));
    await learned.get("a").catch(() => undefined);
    expect(await learned.get("a")).toHaveLength(1);
    const asks = async (key: string) => (await open(server, bucket.at("vault"))).stat(key).catch(({ code }) => code);
    expect([expect.objectContaining({ sizeBytes: 1 }), "storage-clock-skewed"]).toContainEqual(await asks("a"));
    expect([null, "storage-clock-skewed"]).toContainEqual(await asks("b"));
  });
});

/** More than the 1,000 names of a page. */
const manyKeys = 1_005;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

function open({ accessKeyId, secretAccessKey, sessionToken }: Keys, url: string): Promise<ObjectStore> {
  const token = sessionToken === undefined ? "" : `\nsession_token=${sessionToken}`;
  const text = `access_key_id=${accessKeyId}\nsecret_access_key=${secretAccessKey}${token}`;
  return openStore(url, { credentials: parseStoreCredentials(text) });
}

/** A resolver of this process that knows the test server's name and all names below it. */
function resolveBelow(hostName: string): void {
  const real = dns.lookup.bind(dns) as (...args: readonly unknown[]) => void;
  vi.spyOn(dns, "lookup").mockImplementation(((name: string, ...rest: readonly unknown[]) => {
    const isBelow = name === hostName || name.endsWith(`.${hostName}`);
    real(isBelow ? "127.0.0.1" : name, ...rest);
  }) as typeof dns.lookup);
}
