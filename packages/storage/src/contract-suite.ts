import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { AppError, type ErrorCode } from "@tidemark/kit";
import type { ObjectStore } from "./object-store.ts";

/** One guarantee of the port. `run` gets a store that is empty and nobody else's. */
export interface ContractCase {
  readonly guarantee: string;
  readonly run: (store: ObjectStore) => Promise<void>;
}

/**
 * The guarantees of `ObjectStore`, free of any test runner: a driver's test runs each as
 * `for (const { guarantee, run } of objectStoreContract) it(guarantee, async () => run(await newStore()))`.
 */
export const objectStoreContract: readonly ContractCase[] = [
  {
    guarantee: "gives back what was put, whole, by range and in chunks",
    run: async (store) => {
      const bytes = pattern(3_000_000);
      assert.deepEqual(await store.put("a/b/object", bytes), { sizeBytes: bytes.length });
      assert.ok(Buffer.compare(await store.get("a/b/object"), bytes) === 0);
      const range = await store.get("a/b/object", { range: { offset: 1_234_567, length: 1_000 } });
      assert.deepEqual(range, bytes.slice(1_234_567, 1_235_567));
      assert.equal((await store.get("a/b/object", { range: { offset: bytes.length, length: 0 } })).length, 0);
      assert.ok(Buffer.compare(await collect(store.read("a/b/object")), bytes) === 0);
    },
  },
  {
    guarantee: "names a file only when it holds just the object's bytes",
    run: async (store) => {
      await store.put("a/b/object", pattern(100_000));
      const file = store.fileOf?.("a/b/object") ?? null;
      if (file === null) return;
      assert.ok(Buffer.compare(await readFile(file), pattern(100_000)) === 0);
      assert.throws(() => store.fileOf?.("../object"), { code: "bad-request" });
    },
  },
  {
    guarantee: "takes a body in chunks, empty ones and none at all included",
    run: async (store) => {
      const chunks = [pattern(10), new Uint8Array(0), pattern(2_500_000), pattern(1)];
      assert.deepEqual(await store.put("chunked", chunked(chunks)), { sizeBytes: 2_500_011 });
      assert.ok(Buffer.compare(await store.get("chunked"), Buffer.concat(chunks)) === 0);
      assert.deepEqual(await store.put("nothing", chunked([])), { sizeBytes: 0 });
      assert.equal((await store.get("nothing")).length, 0);
      assert.deepEqual((await store.stat("nothing"))?.sizeBytes, 0);
    },
  },
  {
    guarantee: "hands out bytes the caller may change",
    run: async (store) => {
      const body = pattern(100);
      await store.put("object", body);
      body.fill(0);
      (await store.get("object")).fill(0);
      assert.deepEqual(await store.get("object"), pattern(100));
    },
  },
  {
    guarantee: "never overwrites: an existing key is object-exists and keeps its bytes",
    run: async (store) => {
      await store.put("a/one", pattern(5));
      await rejectsWith("object-exists", () => store.put("a/one", pattern(6)));
      assert.deepEqual(await store.get("a/one"), pattern(5));
    },
  },
  {
    guarantee: "lets exactly one of several concurrent puts of a key win, where the store can",
    run: async (store) => {
      const bodies = [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => pattern(100_000 + seed));
      const results = await Promise.allSettled(bodies.map((body) => store.put("race/key", chunked([body]))));
      const winners = bodies.filter((_, index) => results[index]?.status === "fulfilled");
      const stored = await store.get("race/key");
      // A store that cannot refuse says so; there the last one stands, whole.
      if ((await store.probe()).exclusiveCreate) assert.equal(winners.length, 1);
      assert.ok(winners.some((body) => Buffer.compare(stored, body) === 0));
    },
  },
  {
    guarantee: "takes a body larger than one request of any driver, and refuses a second one of that size too",
    run: async (store) => {
      const chunks = [pattern(9_000_000), pattern(9_000_001), pattern(7)];
      assert.deepEqual(await store.put("large/object", chunked(chunks)), { sizeBytes: 18_000_008 });
      const whole = Buffer.concat(chunks);
      assert.ok(Buffer.compare(await store.get("large/object"), whole) === 0);
      const range = await store.get("large/object", { range: { offset: 8_388_600, length: 16 } });
      assert.deepEqual(range, new Uint8Array(whole.subarray(8_388_600, 8_388_616)));
      await rejectsWith("object-exists", () => store.put("large/object", chunked([pattern(18_000_000)])));
      assert.equal((await store.stat("large/object"))?.sizeBytes, 18_000_008);
      await assert.rejects(store.put("large/half", failing(pattern(18_000_000))), /the source broke/);
      assert.deepEqual(await keys(store, ""), ["large/object"]);
    },
  },
  {
    guarantee: "leaves nothing under the key when the body fails, and takes it afterwards",
    run: async (store) => {
      await assert.rejects(store.put("half", failing(pattern(200_000))), /the source broke/);
      assert.equal(await store.stat("half"), null);
      assert.deepEqual(await keys(store, ""), []);
      await store.put("half", pattern(3));
      assert.deepEqual(await store.get("half"), pattern(3));
    },
  },
  {
    guarantee: "leaves nothing under the key when cancelled",
    run: async (store) => {
      const controller = new AbortController();
      const body = async function* (): AsyncGenerator<Uint8Array> {
        yield pattern(100_000);
        controller.abort();
        yield pattern(100_000);
      };
      await rejectsWith("cancelled", () => store.put("cancelled", body(), { signal: controller.signal }));
      assert.equal(await store.stat("cancelled"), null);
    },
  },
  {
    guarantee: "tells a missing object (object-missing, null) and deletes it without complaint",
    run: async (store) => {
      await store.put("other", pattern(1));
      await rejectsWith("object-missing", () => store.get("missing"));
      await rejectsWith("object-missing", () => store.get("deep/er/missing", { range: { offset: 0, length: 1 } }));
      await rejectsWith("object-missing", () => collect(store.read("missing")));
      assert.equal(await store.stat("missing"), null);
      assert.equal(await store.stat("other/below"), null);
      await store.delete("missing");
      await store.delete("deep/er/missing");
    },
  },
  {
    guarantee: "takes no folder for an object",
    run: async (store) => {
      await store.put("folder/object", pattern(1));
      assert.equal(await store.stat("folder"), null);
      await rejectsWith("object-missing", () => store.get("folder"));
    },
  },
  {
    guarantee: "answers a range past the end with object-damaged",
    run: async (store) => {
      await store.put("short", pattern(10));
      await rejectsWith("object-damaged", () => store.get("short", { range: { offset: 5, length: 6 } }));
      await rejectsWith("object-damaged", () => store.get("short", { range: { offset: 11, length: 1 } }));
    },
  },
  {
    guarantee: "lists by prefix in key order, with sizes and times",
    run: async (store) => {
      const all = ["a/b", "a.b/c", "a/b.c", "a/b/c", "a-b", "b/z", "a/c/d/e", "top"].filter((key) => key !== "a/b");
      for (const key of all) await store.put(key, pattern(key.length));
      assert.deepEqual(await keys(store, ""), [...all].sort());
      assert.deepEqual(await keys(store, "a/"), ["a/b.c", "a/b/c", "a/c/d/e"]);
      assert.deepEqual(await keys(store, "a/b/"), ["a/b/c"]);
      assert.deepEqual(await keys(store, "none/"), []);
      const facts = await store.stat("a/c/d/e");
      assert.equal(facts?.sizeBytes, 7);
      assert.ok(facts !== null && facts !== undefined && Number.isFinite(facts.modifiedAt.getTime()));
      assert.deepEqual(await store.listPrefixes(""), ["a", "a.b", "b"]);
      assert.deepEqual(await store.listPrefixes("a/"), ["b", "c"]);
      assert.deepEqual(await store.listPrefixes("none/"), []);
    },
  },
  {
    guarantee: "begins a listing behind a key, also one that is not there",
    run: async (store) => {
      for (const key of ["a/b.c", "a/b/c", "a/b/d", "a/c", "b"]) await store.put(key, pattern(1));
      assert.deepEqual(await keys(store, "", "a/b.c"), ["a/b/c", "a/b/d", "a/c", "b"]);
      assert.deepEqual(await keys(store, "a/", "a/b/c"), ["a/b/d", "a/c"]);
      assert.deepEqual(await keys(store, "a/", "a/b/cc"), ["a/b/d", "a/c"]);
      assert.deepEqual(await keys(store, "a/", "a/b0"), ["a/c"]);
      assert.deepEqual(await keys(store, "a/", "a/c"), []);
    },
  },
  {
    guarantee: "tells whether it creates exclusively, as its probe does",
    run: async (store) => {
      assert.equal(await store.createsExclusively(), (await store.probe()).exclusiveCreate);
    },
  },
  {
    guarantee: "shows an object in the making once it is published, and moves it, where it can make one",
    run: async (store) => {
      const growing = (await store.beginAppend?.()) ?? null;
      if (growing === null) return;
      await growing.append([pattern(10), new Uint8Array(0), pattern(5)]);
      assert.deepEqual(await keys(store, ""), []);
      await growing.publish("p/growing");
      assert.deepEqual(await store.get("p/growing"), new Uint8Array([...pattern(10), ...pattern(5)]));
      await growing.append([pattern(200_000)]);
      await growing.sync();
      assert.equal(growing.sizeBytes, 200_015);
      const range = await store.get("p/growing", { range: { offset: 15, length: 200_000 } });
      assert.deepEqual(range, pattern(200_000));
      await store.put("taken", pattern(1));
      await rejectsWith("object-exists", () => growing.publish("taken"));
      await growing.publish("whole");
      await growing.close();
      assert.deepEqual(await keys(store, ""), ["taken", "whole"]);
      assert.equal((await store.stat("whole"))?.sizeBytes, 200_015);
      assert.deepEqual(await store.get("taken"), pattern(1));
    },
  },
  {
    guarantee: "leaves nothing of an object in the making that was never published, and keeps one that was",
    run: async (store) => {
      const one = (await store.beginAppend?.()) ?? null;
      const other = (await store.beginAppend?.({ reserveBytes: 1000, syncsEach: true })) ?? null;
      if (one === null || other === null) return;
      await one.append([pattern(100)]);
      await one.close();
      for (const size of [100, 300, 800]) await other.append([pattern(size)]);
      await other.publish("kept");
      await other.close();
      assert.deepEqual(await keys(store, ""), ["kept"]);
      const kept = await store.get("kept");
      const appended = Buffer.concat([pattern(100), pattern(300), pattern(800)]);
      assert.deepEqual(Buffer.from(kept.subarray(0, 1200)), appended);
      assert.ok(kept.subarray(1200).every((byte) => byte === 0));
    },
  },
  {
    guarantee: "forgets what was deleted, in listings and prefixes too",
    run: async (store) => {
      await store.put("p/q/one", pattern(1));
      await store.put("p/two", pattern(1));
      await store.delete("p/q/one");
      await store.delete("p/q/one");
      assert.deepEqual(await keys(store, ""), ["p/two"]);
      assert.deepEqual(await store.listPrefixes("p/"), []);
      await store.put("p/q/one", pattern(2));
      assert.deepEqual(await store.get("p/q/one"), pattern(2));
    },
  },
  {
    guarantee: "refuses keys and prefixes that could leave their place",
    run: async (store) => {
      const bad = ["", "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a b", "a\\b", "ä", "a\0b", "~tmp/x"];
      for (const key of bad) {
        await rejectsWith("bad-request", () => store.put(key, pattern(1)));
        await rejectsWith("bad-request", () => store.get(key));
        await rejectsWith("bad-request", () => store.stat(key));
        await rejectsWith("bad-request", () => store.delete(key));
      }
      for (const prefix of ["a", "/", "../", "a/../"]) await rejectsWith("bad-request", () => keys(store, prefix));
      assert.deepEqual(await keys(store, ""), []);
    },
  },
  {
    guarantee: "knows whether it is empty and stays so when probed",
    run: async (store) => {
      assert.equal(await store.isEmpty(), true);
      const can = await store.probe();
      assert.equal(can.writable, true);
      assert.equal(await store.isEmpty(), true);
      await store.put("a/b/c", pattern(1));
      assert.equal(await store.isEmpty(), false);
      await store.delete("a/b/c");
      assert.equal(await store.isEmpty(), true);
    },
  },
  {
    guarantee: "tells its space, or that it cannot",
    run: async (store) => {
      await store.put("one", pattern(1));
      const space = await store.space();
      assert.ok(space === null || (space.totalBytes > 0n && space.freeBytes <= space.totalBytes));
    },
  },
];

async function rejectsWith(code: ErrorCode, act: () => Promise<unknown>): Promise<void> {
  await assert.rejects(act, (error: unknown) => {
    assert.ok(error instanceof AppError, `expected an AppError, got ${String(error)}`);
    assert.equal(error.code, code);
    return true;
  });
}

function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >>> 8) + length) & 0xff;
  return bytes;
}

async function* chunked(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function* failing(first: Uint8Array): AsyncGenerator<Uint8Array> {
  yield first;
  throw new Error("the source broke");
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

async function keys(store: ObjectStore, prefix: string, after?: string): Promise<string[]> {
  const found: string[] = [];
  const options = after === undefined ? {} : { after };
  for await (const { key } of store.list(prefix, options)) found.push(key);
  return found;
}
