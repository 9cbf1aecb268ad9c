import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FilesystemStore, MemoryStore, type ObjectStore } from "@tidemark/storage";
import { afterAll, describe, expect, it } from "vitest";
import { createRepository } from "../open-repository.ts";
import { testKey, testOpeners } from "../test-repository.ts";
import {
  collect,
  inChunks,
  OverwritingStore,
  openWal,
  PlainStore,
  testPlace,
  testSegmentBytes,
  testSystem,
  testWal,
} from "./test-wal.ts";
import type { WalArchive, WalEntry, WalSegmentFacts } from "./wal-archive.ts";

const folders: string[] = [];

async function filesystem(): Promise<ObjectStore> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-wal-"));
  folders.push(folder);
  return new FilesystemStore(folder);
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const stores: Readonly<Record<string, () => Promise<ObjectStore>>> = {
  "a file system": filesystem,
  "a store where nothing grows": async () => new PlainStore(),
  "a store that writes over objects": async () => new OverwritingStore(),
};

const facts: WalSegmentFacts = {
  firstCommit: { at: new Date("2026-01-02T03:04:05.678Z"), lsn: 0x3000028n, xid: 731 },
  lastCommit: { at: new Date("2026-01-02T03:05:05.678Z"), lsn: 0x30fff28n, xid: 4_000_000_731 },
  commitCount: 7,
  restorePoints: [{ name: "before the flood", at: new Date("2026-01-02T03:04:45Z"), lsn: 0x3000128n }],
  relations: ["1663/5/16384"],
  lastRecordEnd: 0x30fffd0n,
  limits: {
    ...{ maxConnections: 90, maxWorkerProcesses: 8, maxWalSenders: 10 },
    ...{ maxPreparedTransactions: 0, maxLocksPerTransaction: 64 },
  },
};

async function entries(archive: WalArchive, options = {}): Promise<string[]> {
  const found: WalEntry[] = [];
  for await (const entry of archive.list(options)) found.push(entry);
  return found.map(({ kind, name, startLsn }) => `${kind} ${name} ${startLsn}`);
}

async function keys(store: ObjectStore): Promise<string[]> {
  const found: string[] = [];
  for await (const { key } of store.list("srv_1/")) found.push(key);
  return found;
}

const outcome = (error: unknown): string => (error as { code?: string }).code ?? String(error);

describe.each(Object.entries(stores))("WAL in %s", (_, newStore) => {
  for (const compression of ["none", "zstd", "lz4", "auto"] as const) {
    it(`gives back a segment that was written with ${compression}, however it was cut and flushed`, async () => {
      const store = await newStore();
      const setting = compression === "zstd" ? { algorithm: compression, level: 1 } : { algorithm: compression };
      await createRepository(store, { encryption: compression === "none" ? "none" : testKey });
      const archive = await openWal(store, { compression: setting });
      const wal = testWal(1);
      const writer = await archive.beginSegment(testPlace(3), { writer: "w-1" });
      let at = 0;
      for (const size of [1, 300, 8192, 131_072 - 8493, 5, 131_072, 40_000, 400_000, 70_000]) {
        const part = wal.subarray(at, at + size);
        const taken = size % 2 === 0 ? writer.writeNow(part) : 0;
        await writer.write(part.subarray(taken));
        at += size;
        expect(await writer.flush()).toBe(writer.endLsn);
        const partial = await archive.partial(1);
        expect(partial?.endLsn).toBe(writer.place.startLsn + BigInt(at));
        expect(Buffer.compare(await collect(partial?.read() ?? inChunks(wal, 1)), wal.subarray(0, at))).toBe(0);
        expect(await archive.has("000000010000000000000003")).toBe(false);
      }
      await writer.write(wal.subarray(at));
      expect(await writer.finish(facts)).toBe("stored");
      expect(await archive.partial(1)).toBeNull();
      expect((await keys(store)).length).toBe(1);
      expect(Buffer.compare(await collect(archive.read("000000010000000000000003")), wal)).toBe(0);
      expect(await archive.describe("000000010000000000000003")).toMatchObject({ place: testPlace(3), facts });
    });
  }

  it("decides by hash whether a segment is the same, and never writes over one", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: testKey });
    const archive = await openWal(store, { compression: { algorithm: "none" } });
    expect(await archive.putSegment(testPlace(1), inChunks(testWal(1), 10_000), null)).toBe("stored");
    const again = await openWal(store, { compression: { algorithm: "zstd", level: 3 } });
    expect(await again.putSegment(testPlace(1), inChunks(testWal(1), 77_777), facts)).toBe("same");
    const other = testWal(1);
    other[other.length - 1] = 1;
    await expect(archive.putSegment(testPlace(1), inChunks(other, 1 << 20), null)).rejects.toMatchObject({
      code: "wal-conflict",
    });
    expect(Buffer.compare(await collect(archive.read("000000010000000000000001")), testWal(1))).toBe(0);
    expect((await keys(store)).length).toBe(1);
    for (const length of [0, 100, testSegmentBytes - 1, testSegmentBytes + 1]) {
      const body = inChunks(new Uint8Array(length), 500_000);
      await expect(archive.putSegment(testPlace(2), body, null)).rejects.toMatchObject({ code: "wal-invalid" });
    }
    expect(await archive.has("000000010000000000000002")).toBe(false);
  });

  it("stores next to nothing of a segment that was switched early", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: "none" });
    const archive = await openWal(store, { compression: { algorithm: "none" } });
    const wal = testWal(1, 500);
    await archive.putSegment(testPlace(1), inChunks(wal, 8192), null);
    expect((await archive.describe("000000010000000000000001"))?.storedBytes).toBeLessThan(2000);
    expect(Buffer.compare(await collect(archive.read("000000010000000000000001")), wal)).toBe(0);
    const nothing = new Uint8Array(testSegmentBytes);
    await archive.putSegment(testPlace(2), inChunks(nothing, 8192), null);
    expect(Buffer.compare(await collect(archive.read("000000010000000000000002")), nothing)).toBe(0);
    nothing[700_000] = 1;
    await archive.putSegment(testPlace(3), inChunks(nothing, 8192), null);
    expect(Buffer.compare(await collect(archive.read("000000010000000000000003")), nothing)).toBe(0);
  });

  it("keeps histories and files, never written over", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: testKey });
    const archive = await openWal(store);
    const history = Buffer.from("1\t0/3000000\tno recovery target specified\n");
    expect(await archive.putHistory(2, history)).toBe("stored");
    expect(await archive.putHistory(2, history)).toBe("same");
    await expect(archive.putHistory(2, Buffer.from("other"))).rejects.toMatchObject({ code: "wal-conflict" });
    expect(Buffer.from(await collect(archive.read("00000002.history"))).equals(history)).toBe(true);
    await archive.putFile("000000010000000000000003.00000028.backup", history);
    expect(await archive.putFile("000000010000000000000003.partial", testWal(4, 400_000))).toBe("stored");
    expect(await archive.putFile("000000010000000000000003.partial", testWal(4, 400_000))).toBe("same");
    const other = archive.putFile("000000010000000000000003.partial", testWal(5, 400_000));
    await expect(other).rejects.toMatchObject({ code: "wal-conflict" });
    expect(await archive.has("000000010000000000000003")).toBe(false);
    expect(await archive.partial(1)).toBeNull();
    const partial = await collect(archive.read("000000010000000000000003.partial"));
    expect(Buffer.compare(partial, testWal(4, 400_000))).toBe(0);
    await archive.putSegment(testPlace(3), inChunks(testWal(4), 100_000), null);
    expect((await entries(archive, { segmentSizeBytes: testSegmentBytes })).sort()).toEqual([
      "file 000000010000000000000003.00000028.backup 3145728",
      "history 00000002.history null",
      "partial 000000010000000000000003.partial 3145728",
      "segment 000000010000000000000003 3145728",
    ]);
    await expect(archive.putFile("passwd", history)).rejects.toMatchObject({ code: "bad-request" });
    await expect(archive.putFile("000000010000000000000009.partial", history)).rejects.toMatchObject({
      code: "bad-request",
    });
  });

  it("tells WAL that is not there from a store that cannot be asked", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: testKey });
    const archive = await openWal(store);
    await expect(collect(archive.read("000000010000000000000003"))).rejects.toMatchObject({ code: "wal-missing" });
    await expect(collect(archive.read("00000002.history"))).rejects.toMatchObject({ code: "wal-missing" });
    expect(await archive.describe("000000010000000000000003")).toBeNull();
    expect(await archive.timelines()).toEqual([]);
    store.stat = () => Promise.reject(Object.assign(new Error("away"), { code: "storage-unreachable" }));
    store.get = store.stat as never;
    await expect(collect(archive.read("000000010000000000000003"))).rejects.toMatchObject({
      code: "storage-unreachable",
    });
  });

  it("keeps the end of a timeline as its partial, which no reader takes for a whole segment", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: testKey });
    const archive = await openWal(store);
    const wal = testWal(9);
    for (let turn = 0; turn < 2; turn++) {
      const writer = await archive.beginSegment(testPlace(5), { writer: `w-${turn}` });
      await writer.write(wal.subarray(0, 300_001));
      await writer.flush();
      await writer.finishPartial();
    }
    const partial = await archive.partial(1);
    expect(partial).toMatchObject({ ended: true, place: testPlace(5), endLsn: testPlace(5).startLsn + 300_001n });
    expect(Buffer.compare(await collect(partial?.read() ?? inChunks(wal, 1)), wal.subarray(0, 300_001))).toBe(0);
    expect(await archive.has("000000010000000000000005")).toBe(false);
    expect((await keys(store)).length).toBe(1);
    expect(await entries(archive)).toEqual(["partial 000000010000000000000005.partial 5242880"]);
  });

  it("says at which LSN what two writers flushed differs", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: testKey });
    const archive = await openWal(store);
    const [one, other] = [testWal(1), testWal(1)];
    other[200_000] = (other[200_000] ?? 0) + 1;
    const writers = await Promise.all(["a", "b"].map((writer) => archive.beginSegment(testPlace(2), { writer })));
    for (const [index, writer] of writers.entries()) {
      await writer.write((index === 0 ? one : other).subarray(0, 100_000));
      await writer.flush();
    }
    expect((await archive.partial(1))?.endLsn).toBe(testPlace(2).startLsn + 100_000n);
    for (const [index, writer] of writers.entries()) {
      await writer.write((index === 0 ? one : other).subarray(100_000, 300_000));
      await writer.flush();
    }
    const error = await archive.partial(1).catch((problem: unknown) => problem);
    expect(outcome(error)).toBe("wal-conflict");
    expect((error as Error).message).toContain("0/230D40");
    await writers[0]?.write(one.subarray(300_000));
    await writers[0]?.finish(null);
    // What the other kept differs: it stays, as evidence.
    expect((await keys(store)).some((key) => key.includes("/partial/"))).toBe(true);
    const contradiction = await archive.contradiction(testPlace(2));
    expect(contradiction).toMatchObject({ lsn: testPlace(2).startLsn + 200_000n });
    expect(contradiction?.sentence).toContain("differs at 0/230D40");
    expect(await archive.contradiction(testPlace(3))).toBeNull();
    await writers[1]?.write(other.subarray(300_000));
    await expect(writers[1]?.finish(null)).rejects.toMatchObject({ code: "wal-conflict" });
    await archive.removeSegments([testPlace(2)]);
    expect(await keys(store)).toEqual([]);
  });

  it("lists from an LSN, and removes oldest first", async () => {
    const store = await newStore();
    await createRepository(store, { encryption: "none" });
    const archive = await openWal(store);
    for (const number of [4, 5, 6])
      await archive.putSegment(testPlace(number), inChunks(testWal(1, 50), 1 << 20), null);
    await archive.putHistory(1, Buffer.from("x"));
    await archive.putSegment(testPlace(4, 0x1a), inChunks(testWal(1, 50), 1 << 20), null);
    expect(await archive.timelines()).toEqual([1, 0x1a]);
    expect(await entries(archive, { timeline: 1, from: testPlace(5).startLsn })).toEqual([
      "history 00000001.history null",
      "segment 000000010000000000000005 5242880",
      "segment 000000010000000000000006 6291456",
    ]);
    const removal = await archive.removeSegments([testPlace(5), testPlace(4), testPlace(1)]);
    expect(removal.removedSegments).toBe(2);
    expect(await entries(archive, { timeline: 1 })).toEqual([
      "history 00000001.history null",
      "segment 000000010000000000000006 6291456",
    ]);
    await archive.removeTimeline(1);
    expect(await entries(archive)).toEqual(["segment 0000001A0000000000000004 4194304"]);
  });
});

describe("WAL beside everything else", () => {
  it("is one system identifier's, and none of what collection, usage and backups look at", async () => {
    const store = new MemoryStore();
    const repository = await createRepository(store, { encryption: testKey, openers: testOpeners });
    const area = repository.area("srv_1");
    await area.wal(9n).putSegment(testPlace(1), inChunks(testWal(1), 100_000), null);
    await area.wal(testSystem).putHistory(2, Buffer.from("x"));
    const writer = await area.wal(testSystem).beginSegment(testPlace(1), { writer: "w" });
    await writer.write(testWal(1).subarray(0, 1000));
    await writer.flush();
    expect(await area.walIdentifiers()).toEqual([9n, testSystem]);
    expect(await area.listBackups()).toEqual([]);
    const plan = await area.planCollection({ graceMs: 1000 } as never);
    await area.executeCollection(plan);
    expect((await keys(store)).filter((key) => key.includes("/wal/")).length).toBe(3);
    await writer.abandon();
    expect((await keys(store)).filter((key) => key.includes("/wal/")).length).toBe(3);
  });
});
