import { inspect } from "node:util";
import { AppError, Secret } from "@tidemark/kit";
import { freePort } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { objectStoreContract } from "../contract-suite.ts";
import type { ObjectStore } from "../object-store.ts";
import { type OpenStoreOptions, openStore } from "../open-store.ts";
import { RetryingStore } from "../retrying-store.ts";
import type { StoreCredentials } from "../store-credentials.ts";
import { S3Stub, type StubOptions, type StubRequest, type StubTurn } from "./s3-stub.ts";

// What no real server here shows on demand is shown by a stub: these are tests of our side only.

const credentials: StoreCredentials = {
  kind: "s3-keys",
  accessKeyId: "AKTEST",
  secretAccessKey: new Secret("geheim-und-lang"),
  sessionToken: new Secret("sitzungs-token"),
};
const noPause = async (): Promise<void> => undefined;
const large = (): Buffer => Buffer.alloc(20_000_000, 7);

function open(stub: S3Stub, options: OpenStoreOptions = {}): Promise<ObjectStore> {
  const retry = { attempts: 4, pause: noPause };
  return openStore(stub.url, { credentials, timeouts: { stallMs: 20_000 }, retry, ...options });
}

/** A script that gives `turn` to the first `times` requests of `method` for keys that contain `part`. */
function at(method: string, part: string, turn: StubTurn, times = 1): (request: StubRequest) => StubTurn {
  let left = times;
  return (request) => {
    if (request.method !== method || !request.key.includes(part) || left === 0) return null;
    left--;
    return turn;
  };
}

async function withStub(options: StubOptions, use: (stub: S3Stub, store: ObjectStore) => Promise<void>): Promise<void> {
  await using stub = await S3Stub.start(options);
  await use(stub, await open(stub));
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

describe("a bucket that honours every condition", () => {
  for (const { guarantee, run } of objectStoreContract) {
    // The stub does not group listings by a delimiter; the real servers do.
    if (/lists by prefix|forgets what/.test(guarantee)) continue;
    it(guarantee, () => withStub({}, (_, store) => run(store)));
  }

  it("lists all of more keys than fit a page", () =>
    withStub({ pageKeys: 10 }, async (_, store) => {
      for (let number = 0; number < 25; number++) await store.put(`a/${String(number).padStart(3, "0")}`, Buffer.of(1));
      const keys: string[] = [];
      for await (const { key } of store.list("a/")) keys.push(key);
      expect(keys).toHaveLength(25);
      expect(keys).toEqual([...keys].sort());
    }));
});

describe("what an answer means", () => {
  const answers: readonly [string, StubTurn, string][] = [
    ["a key that may not", { kind: "answer", status: 403, code: "AccessDenied" }, "storage-denied"],
    ["a key nobody knows", { kind: "answer", status: 403, code: "InvalidAccessKeyId" }, "storage-credentials-wrong"],
    ["a wrong secret", { kind: "answer", status: 403, code: "SignatureDoesNotMatch" }, "storage-credentials-wrong"],
    ["a token that ended", { kind: "answer", status: 400, code: "ExpiredToken" }, "storage-credentials-expired"],
    ["a clock that is off", { kind: "answer", status: 403, code: "RequestTimeTooSkewed" }, "storage-clock-skewed"],
    ["no such bucket", { kind: "answer", status: 404, code: "NoSuchBucket" }, "storage-bucket-missing"],
    ["another region", { kind: "answer", status: 301, code: "PermanentRedirect" }, "storage-region-wrong"],
    ["throttling", { kind: "answer", status: 503, code: "SlowDown" }, "storage-throttled"],
    ["too many requests", { kind: "answer", status: 429 }, "storage-throttled"],
    ["trouble of its own", { kind: "answer", status: 500, code: "InternalError" }, "storage-failed"],
    ["a full quota", { kind: "answer", status: 403, code: "QuotaExceeded" }, "storage-full"],
    ["an archived object", { kind: "answer", status: 403, code: "InvalidObjectState" }, "storage-denied"],
    ["a broken connection", { kind: "lost-answer" }, "storage-unreachable"],
    ["silence", { kind: "silence" }, "storage-unreachable"],
  ];
  for (const [name, turn, code] of answers) {
    it(`says ${code} for ${name}, whatever was asked, and never "not there"`, () =>
      withStub({ script: () => turn }, async (stub) => {
        const store = await open(stub, { timeouts: { stallMs: 300 } });
        const acts = [
          () => store.get("a"),
          () => store.stat("a"),
          () => store.put("a", Buffer.of(1)),
          () => store.delete("a"),
          () => store.listPrefixes(""),
        ];
        for (const act of acts) {
          // What these credentials may not write, they may still read: a put says that.
          const expected = turn?.kind === "answer" && turn.code === "AccessDenied" && act === acts[2];
          const error = await act().then(
            (value) => value,
            (thrown: unknown) => thrown,
          );
          expect(error).toMatchObject({
            code: expected ? "repository-read-only" : code,
            hint: expect.stringMatching(/\w+/),
          });
          expect(inspect(error, { depth: 10 })).not.toMatch(/geheim-und-lang|sitzungs-token/);
        }
      }));
  }

  it("names the region the store names", () =>
    withStub(
      {
        script: () => ({
          kind: "answer",
          status: 301,
          code: "PermanentRedirect",
          headers: { "x-amz-bucket-region": "eu-central-1" },
        }),
      },
      async (_, store) => {
        await expect(store.get("a")).rejects.toMatchObject({ message: expect.stringContaining("eu-central-1") });
      },
    ));

  it("takes no 403 without a right to list for an object that is not there", () =>
    withStub(
      { script: ({ method }) => (method === "HEAD" ? { kind: "answer", status: 403 } : denyLists) },
      async (_, store) => {
        await expect(store.stat("a")).rejects.toMatchObject({ code: "storage-denied" });
      },
    ));

  it("tells a host without a name, a closed port and a port that speaks no TLS apart", async () => {
    const at = async (endpoint: string) => {
      const url = `s3://bucket/?endpoint=${encodeURIComponent(endpoint)}`;
      return (await openStore(url, { credentials })).get("a");
    };
    await expect(at("http://no-such-host.invalid")).rejects.toMatchObject({ code: "storage-host-unknown" });
    await expect(at(`http://127.0.0.1:${await freePort()}`)).rejects.toMatchObject({ code: "storage-unreachable" });
    await using stub = await S3Stub.start();
    await expect(at(stub.endpoint.replace("http:", "https:"))).rejects.toMatchObject({ code: "storage-tls-failed" });
  });

  it("wants credentials of its own kind, and tries no chain unasked", async () => {
    await expect(openStore("s3://bucket/")).rejects.toMatchObject({ code: "storage-credentials-missing" });
    const sas = { kind: "azure-sas", sas: new Secret("x") } as const;
    await expect(openStore("s3://bucket/", { credentials: sas })).rejects.toMatchObject({
      code: "storage-credentials-missing",
    });
    const profile = { kind: "s3-profile", profile: "none", file: "/nonexistent" } as const;
    await using stub = await S3Stub.start();
    await expect((await open(stub, { credentials: profile })).get("a")).rejects.toMatchObject({
      code: "storage-credentials-missing",
    });
    expect(stub.requests).toEqual([]);
  });
});

const denyLists: StubTurn = { kind: "answer", status: 403, code: "AccessDenied" };

describe("a put whose answer was lost", () => {
  it("knows its own object again, in one request", () =>
    withStub({ script: at("PUT", "mine", { kind: "lost-answer" }) }, async (stub, store) => {
      expect(await store.put("mine", once(Buffer.from("body")))).toEqual({ sizeBytes: 4 });
      expect(stub.count("PUT", "mine")).toBe(2);
    }));

  it("knows its own object again when the wrapper repeats the whole put", () =>
    withStub({ script: at("PUT", "mine", { kind: "lost-answer" }) }, async (_, store) => {
      const retrying = new RetryingStore(store, { pause: noPause });
      expect(await retrying.put("mine", Buffer.from("body"))).toEqual({ sizeBytes: 4 });
    }));

  it("knows its own upload in parts again", () =>
    withStub({ script: at("POST", "mine", { kind: "lost-answer" }, 2) }, async (stub, store) => {
      expect(await store.put("mine", once(large()))).toEqual({ sizeBytes: 20_000_000 });
      expect(stub.objects.get("vault/mine")?.bytes.length).toBe(20_000_000);
    }));

  it("does not take another's object for its own", () =>
    withStub({ script: at("PUT", "mine", { kind: "answer", status: 500 }) }, async (stub, store) => {
      await store.probe();
      stub.objects.set("vault/mine", { bytes: Buffer.from("theirs"), id: "other" });
      await expect(store.put("mine", once(Buffer.from("body")))).rejects.toMatchObject({ code: "object-exists" });
      expect(stub.objects.get("vault/mine")?.bytes.toString()).toBe("theirs");
    }));

  it("goes on when the store says 409 because two wrote at once and neither did", () =>
    withStub(
      { script: at("PUT", "mine", { kind: "answer", status: 409, code: "ConditionalRequestConflict" }) },
      async (_, store) => {
        expect(await store.put("mine", once(Buffer.from("body")))).toEqual({ sizeBytes: 4 });
      },
    ));
});

describe("an upload in parts", () => {
  it("repeats the parts that failed and no others", () =>
    withStub(
      { script: at("PUT", "big", { kind: "answer", status: 503, code: "SlowDown" }, 2) },
      async (stub, store) => {
        await store.put("big", once(large()));
        // Three parts, two of which were refused once.
        expect(stub.count("PUT", "big")).toBe(5);
        expect(stub.objects.get("vault/big")?.bytes.equals(large())).toBe(true);
      },
    ));

  it("leaves no parts behind when it fails", () =>
    withStub(
      { script: at("PUT", "big", { kind: "answer", status: 403, code: "AccessDenied" }, 9) },
      async (stub, store) => {
        await expect(store.put("big", once(large()))).rejects.toMatchObject({ code: "storage-denied" });
        expect(stub.uploads.size).toBe(0);
      },
    ));

  it("does not complete onto a key that somebody took meanwhile", () =>
    withStub({}, async (stub, store) => {
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield large();
        stub.objects.set("vault/big", { bytes: Buffer.from("theirs"), id: "other" });
      };
      await expect(store.put("big", body())).rejects.toMatchObject({ code: "object-exists" });
      expect(stub.uploads.size).toBe(0);
      expect(stub.objects.get("vault/big")?.bytes.toString()).toBe("theirs");
    }));

  it("sends Content-MD5 with every write, and the session's token with every request", () =>
    withStub({}, async (stub, store) => {
      await store.put("big", once(large()));
      const writes = stub.requests.filter(({ method, key }) => method === "PUT" && key.includes("big"));
      expect(writes.map(({ headers }) => headers["content-md5"])).not.toContain(undefined);
      const tokens = new Set(stub.requests.map(({ headers }) => headers["x-amz-security-token"]));
      expect([...tokens]).toEqual(["sitzungs-token"]);
    }));
});

describe("a read", () => {
  it("that stalls or ends early is no whole object, and the wrapper reads on", () =>
    withStub({}, async () => {
      for (const then of ["silence", "end"] as const) {
        const turn = { kind: "short", bytes: 1_000_000, then } as const;
        await using failing = await S3Stub.start({ script: at("GET", "object", turn) });
        failing.objects.set("vault/object", { bytes: large(), id: undefined });
        const raw = await open(failing, { timeouts: { stallMs: 300 } });
        await expect(raw.get("object")).rejects.toMatchObject({ code: expect.stringMatching(/unreachable|failed/) });
        await using again = await S3Stub.start({ script: at("GET", "object", turn) });
        again.objects.set("vault/object", { bytes: large(), id: undefined });
        const retrying = new RetryingStore(await open(again, { timeouts: { stallMs: 300 } }), { pause: noPause });
        const chunks: Uint8Array[] = [];
        for await (const chunk of retrying.read("object")) chunks.push(chunk);
        expect(Buffer.concat(chunks).equals(large())).toBe(true);
      }
    }));
});

describe("probe", () => {
  it("finds a store that ignores the condition, and one that says it knows none", async () => {
    await withStub({ script: withoutCondition }, async (_, store) => {
      expect((await store.probe()).exclusiveCreate).toBe(false);
    });
    const unknown: StubTurn = { kind: "answer", status: 501, code: "NotImplemented" };
    await withStub({ script: ({ headers }) => ("if-none-match" in headers ? unknown : null) }, async (_, store) => {
      expect((await store.probe()).exclusiveCreate).toBe(false);
      await store.put("a", Buffer.of(1));
      await expect(store.put("a", Buffer.of(2))).rejects.toMatchObject({ code: "object-exists" });
    });
  });

  it("tells credentials that may only read, and refuses to write with them", () =>
    withStub({ script: ({ method }) => (method === "PUT" ? denyLists : null) }, async (_, store) => {
      expect((await store.probe()).writable).toBe(false);
      await expect(store.put("a", Buffer.of(1))).rejects.toMatchObject({ code: "repository-read-only" });
    }));

  it("tells the lock every object gets, and probes such a bucket with one lasting object", () =>
    withStub({ objectLock: { mode: "COMPLIANCE", days: 30 } }, async (stub, store) => {
      const expected = { versioning: "on", objectLock: { byDefault: { mode: "compliance", days: 30 } } };
      expect(await store.probe()).toMatchObject(expected);
      await store.probe();
      await store.probe();
      expect([...stub.objects.keys()]).toEqual(["vault/~probe/locked"]);
      expect(await store.isEmpty()).toBe(true);
    }));

  it("goes on where the bucket's own settings may not be asked for", () =>
    withStub({ script: ({ key, method }) => (key === "" && method === "GET" ? denyLists : null) }, async (_, store) => {
      expect(await store.probe()).toMatchObject({ exclusiveCreate: true, versioning: null, objectLock: null });
    }));
});

function withoutCondition({ headers }: StubRequest): StubTurn {
  delete headers["if-none-match"];
  return null;
}

it("addresses a bucket by host name where that is asked for", async () => {
  await using stub = await S3Stub.start();
  // localhost has every name below it as a loopback name in Node's resolver only by luck: the request is looked at instead.
  const url = `s3://bucket/vault?style=virtual&endpoint=${encodeURIComponent(stub.endpoint.replace("127.0.0.1", "localhost"))}`;
  const store = await openStore(url, { credentials, retry: { attempts: 1 } });
  const outcome = await store.get("a").catch((error: unknown) => error);
  expect(outcome).toBeInstanceOf(AppError);
  const [request] = stub.requests;
  if (request !== undefined) expect(request.headers.host).toMatch(/^bucket\.localhost/);
  else expect((outcome as AppError).code).toBe("storage-host-unknown");
});
