import type { Clock } from "@tidemark/kit";
import { describe, expect, it } from "vitest";
import { type Fault, FaultyStore } from "./faulty-store.ts";
import { MemoryStore } from "./memory-store.ts";
import { openStore } from "./open-store.ts";
import { ReadOnlyStore } from "./read-only-store.ts";
import { RetryingStore } from "./retrying-store.ts";
import { ThrottledStore } from "./throttled-store.ts";

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function retrying(faults: readonly Fault[]): { store: RetryingStore; memory: MemoryStore; pauses: number[] } {
  const memory = new MemoryStore();
  const pauses: number[] = [];
  const pause = async (durationMs: number): Promise<void> => {
    pauses.push(durationMs);
  };
  const faulty = new FaultyStore(memory, { faults });
  return { store: new RetryingStore(faulty, { attempts: 3, firstPauseMs: 10, pause }), memory, pauses };
}

describe("RetryingStore", () => {
  it("repeats what failed for a passing reason, waiting longer each time", async () => {
    const { store, pauses } = retrying([
      { operation: "put", times: 2, effect: { kind: "error-before", code: "storage-unreachable" } },
    ]);
    await store.put("key", text("body"));
    expect(await store.get("key")).toEqual(text("body"));
    expect(pauses).toEqual([10, 20]);
  });

  it("gives up after the last attempt with the store's own error", async () => {
    const { store } = retrying([
      { operation: "get", times: 9, effect: { kind: "error-before", code: "storage-failed" } },
    ]);
    await expect(store.get("key")).rejects.toMatchObject({ code: "storage-failed" });
  });

  it("does not ask a full or refusing store again", async () => {
    const { store, pauses } = retrying([
      { operation: "put", effect: { kind: "error-before", code: "storage-full" } },
      { operation: "get", effect: { kind: "error-before", code: "storage-denied" } },
    ]);
    await expect(store.put("key", text("x"))).rejects.toMatchObject({ code: "storage-full" });
    await expect(store.get("key")).rejects.toMatchObject({ code: "storage-denied" });
    expect(pauses).toEqual([]);
  });

  it("knows its own object again when only the answer was lost", async () => {
    const { store } = retrying([{ operation: "put", effect: { kind: "error-after", code: "storage-unreachable" } }]);
    expect(await store.put("key", text("body"))).toEqual({ sizeBytes: 4 });
  });

  it("does not take another's object for its own", async () => {
    const { store, memory } = retrying([
      { operation: "put", effect: { kind: "error-before", code: "storage-unreachable" } },
    ]);
    await memory.put("key", text("another body"));
    await expect(store.put("key", text("body"))).rejects.toMatchObject({ code: "object-exists" });
  });

  it("does not repeat a body that can be read only once", async () => {
    const { store } = retrying([{ operation: "put", effect: { kind: "error-before", code: "storage-unreachable" } }]);
    const once = (async function* () {
      yield text("x");
    })();
    await expect(store.put("key", once)).rejects.toMatchObject({ code: "storage-unreachable" });
  });
});

describe("FaultyStore", () => {
  it("is full after the planned bytes and leaves nothing half behind", async () => {
    const memory = new MemoryStore();
    const store = new FaultyStore(memory, { fullAfterBytes: 10 });
    await store.put("a", text("123456"));
    await expect(store.put("b", text("123456"))).rejects.toMatchObject({ code: "storage-full" });
    expect(await memory.stat("b")).toBeNull();
  });

  it("loses a put it reported as done, at the planned call only", async () => {
    const memory = new MemoryStore();
    const faults = [{ operation: "put", effect: { kind: "lost-put" } }] as const;
    const store = new FaultyStore(memory, { faults });
    expect(await store.put("a", text("123"))).toEqual({ sizeBytes: 3 });
    expect(await memory.stat("a")).toBeNull();
    await store.put("b", text("123"));
    expect(await memory.get("b")).toEqual(text("123"));
  });

  it("stalls until told, and gives short reads, at the planned call", async () => {
    const memory = new MemoryStore();
    await memory.put("a", text("123456"));
    let release = (): void => undefined;
    const until = new Promise<void>((resolve) => {
      release = resolve;
    });
    const store = new FaultyStore(memory, {
      faults: [
        { operation: "get", from: 2, effect: { kind: "short-read", bytes: 2 } },
        { operation: "stat", effect: { kind: "stall", until } },
      ],
    });
    expect(await store.get("a")).toEqual(text("123456"));
    expect(await store.get("a")).toEqual(text("12"));
    let answered = false;
    const asked = store.stat("a").then(() => {
      answered = true;
    });
    await Promise.resolve();
    expect(answered).toBe(false);
    release();
    await asked;
  });
});

describe("ThrottledStore", () => {
  it("keeps the sum of concurrent writes below the rate", async () => {
    let nowMs = 0;
    const clock: Clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs };
    const waited: number[] = [];
    const pause = async (durationMs: number): Promise<void> => {
      waited.push(durationMs);
      nowMs += durationMs;
    };
    const store = new ThrottledStore(new MemoryStore(), { writeBytesPerSecond: 1 << 20, clock, pause });
    await store.put("a", new Uint8Array(1 << 20));
    await store.put("b", new Uint8Array(1 << 20));
    // Two MiB at one MiB a second; the last quarter is let through and paid for by whoever comes next.
    expect(nowMs).toBe(1750);
    expect(waited.length).toBe(7);
  });
});

describe("ReadOnlyStore", () => {
  it("refuses every change and still reads", async () => {
    const memory = new MemoryStore();
    await memory.put("a", text("x"));
    const store = new ReadOnlyStore(memory);
    await expect(store.put("b")).rejects.toMatchObject({ code: "repository-read-only" });
    await expect(store.delete("a")).rejects.toMatchObject({ code: "repository-read-only" });
    expect(await store.get("a")).toEqual(text("x"));
    expect((await store.probe()).writable).toBe(false);
    await expect(store.beginAppend()).rejects.toMatchObject({ code: "repository-read-only" });
  });
});

describe("an object in the making behind wrappers", () => {
  it("fails where it is told to, by the key it has then", async () => {
    const full = { operation: "append", from: 2, effect: { kind: "error-before", code: "storage-full" } } as const;
    const lost = {
      operation: "sync",
      matches: (key: string) => key === "a",
      effect: { kind: "error-after", code: "storage-failed" },
    } as const;
    const memory = new MemoryStore();
    const growing = await new FaultyStore(memory, { faults: [full, lost] }).beginAppend();
    await growing?.append([text("one")]);
    await expect(growing?.append([text("two")])).rejects.toMatchObject({ code: "storage-full" });
    await growing?.sync();
    await growing?.publish("a");
    await expect(growing?.sync()).rejects.toMatchObject({ code: "storage-failed" });
    expect(await memory.get("a")).toEqual(text("one"));
  });

  it("counts against the room that is left", async () => {
    const growing = await new FaultyStore(new MemoryStore(), { fullAfterBytes: 5 }).beginAppend();
    await growing?.append([text("1234")]);
    await expect(growing?.append([text("56")])).rejects.toMatchObject({ code: "storage-full" });
  });

  it("is written at the rate of everything else", async () => {
    const waited: number[] = [];
    const clock: Clock = { now: () => new Date(0), monotonicMs: () => 0 };
    const pause = async (durationMs: number): Promise<void> => {
      waited.push(durationMs);
    };
    const store = new ThrottledStore(new MemoryStore(), { writeBytesPerSecond: 1000, clock, pause });
    const growing = await store.beginAppend();
    await growing?.append([new Uint8Array(500), new Uint8Array(500)]);
    await growing?.append([new Uint8Array(1)]);
    expect(waited).toEqual([500, 1000]);
    expect(growing?.sizeBytes).toBe(1001);
  });

  it("is not there where the store has none", async () => {
    class Plain extends MemoryStore {
      override readonly beginAppend = undefined as never;
    }
    expect(await new RetryingStore(new Plain()).beginAppend()).toBeNull();
  });
});

describe("openStore", () => {
  it("knows file URLs, absolute paths and memory", async () => {
    expect((await openStore("file:///var/lib/back%20ups")).location).toBe("file:///var/lib/back%20ups");
    expect((await openStore("/var/lib/back ups")).location).toBe("file:///var/lib/back%20ups");
    expect((await openStore("memory:")).location).toBe("memory:");
  });

  it.each([
    "",
    "relative/path",
    "s3://bucket/~a",
    "az://c/x?acount=a",
    "file://host/path",
    "file:relative",
    "file:///a?b=c",
    "http://x",
  ])("refuses %j", async (url) => {
    await expect(openStore(url)).rejects.toMatchObject({ code: "bad-request" });
  });
});
