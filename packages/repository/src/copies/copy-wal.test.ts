import { AppError } from "@tidemark/kit";
import { FaultyStore, MemoryStore } from "@tidemark/storage";
import { beforeEach, describe, expect, it } from "vitest";
import { createRepository } from "../open-repository.ts";
import { testKey } from "../test-repository.ts";
import { collect, inChunks, OverwritingStore, openWal, testPlace, testWal } from "../wal/test-wal.ts";
import type { WalArchive, WalSegmentFacts } from "../wal/wal-archive.ts";
import { copyWal } from "./copy-wal.ts";
import { failoverWal } from "./failover-wal.ts";

const facts: WalSegmentFacts = {
  firstCommit: null,
  lastCommit: { at: new Date("2026-01-02T03:05:05.678Z"), lsn: 77n, xid: 3 },
  commitCount: 1,
  restorePoints: [],
  relations: null,
  lastRecordEnd: 88n,
};

let first: { store: MemoryStore; wal: WalArchive };
let second: { store: MemoryStore; wal: WalArchive };

beforeEach(async () => {
  const make = async (store: MemoryStore, encrypted: boolean) => {
    await createRepository(store, { encryption: encrypted ? testKey : "none" });
    return { store, wal: await openWal(store) };
  };
  first = await make(new MemoryStore(), true);
  second = await make(new OverwritingStore(), false);
  for (const number of [1, 2, 3]) await first.wal.putSegment(testPlace(number), inChunks(testWal(number), 1e5), facts);
  await first.wal.putHistory(2, Buffer.from("history"));
  await first.wal.putSegment(testPlace(3, 2), inChunks(testWal(7), 1e5), null);
  await first.wal.putFile("000000010000000000000001.00000028.backup", Buffer.from("label"));
  const ended = await first.wal.beginSegment(testPlace(4), { writer: "w" });
  await ended.write(testWal(4).subarray(0, 5000));
  await ended.finishPartial();
  const growing = await first.wal.beginSegment(testPlace(4, 2), { writer: "w" });
  await growing.write(testWal(8).subarray(0, 5000));
  await growing.flush();
  await growing.abandon();
});

async function names(wal: WalArchive): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of wal.list()) found.push(name);
  return found.sort();
}

const segment = (number: number, timeline = 1): string => `0000000${timeline}000000000000000${number}`;
const bytesOf = (wal: WalArchive, name: string): Promise<Uint8Array> => collect(wal.read(name));

describe("a copy of WAL", () => {
  it("brings what the second lacks, sealed anew, facts and the end of a timeline too, and then nothing more", async () => {
    const report = await copyWal(first.wal, second.wal);
    expect(report).toEqual({ copiedSegments: 4, copiedFiles: 3, alreadyThere: 0, failed: [] });
    expect(await names(second.wal)).toEqual(
      (await names(first.wal)).filter((name) => name !== `${segment(4, 2)}.partial`),
    );
    expect(Buffer.compare(await bytesOf(second.wal, segment(2)), testWal(2))).toBe(0);
    expect((await second.wal.describe(segment(2)))?.facts).toEqual(facts);
    expect(await second.wal.partial(1)).toMatchObject({ ended: true, endLsn: testPlace(4).startLsn + 5000n });
    for (const compare of [false, true]) {
      const again = await copyWal(first.wal, second.wal, { compare });
      expect(again).toEqual({ copiedSegments: 0, copiedFiles: 0, alreadyThere: 7, failed: [] });
    }
  });

  it("goes on where it died", async () => {
    const dying = copyWal(first.wal, second.wal, {
      onCopied: ({ name }) => {
        if (name === segment(2)) throw new Error("here");
      },
    });
    await expect(dying).rejects.toThrow("here");
    expect(await names(second.wal)).toContain(segment(2));
    expect(await names(second.wal)).not.toContain(segment(3));
    expect(await copyWal(first.wal, second.wal)).toMatchObject({ copiedSegments: 2 });
  });

  it("brings everything else where something is damaged or in dispute, and says what", async () => {
    await second.wal.putSegment(testPlace(3), inChunks(testWal(9), 1e5), null);
    for await (const { key } of first.store.list("srv_1/")) {
      if (!key.endsWith(`/${segment(1)}`)) continue;
      first.store.overwrite(
        key,
        (await first.store.get(key)).map((byte, index) => (index === 9000 ? byte ^ 1 : byte)),
      );
    }
    const report = await copyWal(first.wal, second.wal, { compare: true });
    expect(report.failed.map(({ name, code }) => `${name} ${code}`)).toEqual([
      `${segment(1)} wal-damaged`,
      `${segment(3)} wal-conflict`,
    ]);
    expect(report.copiedSegments).toBe(2);
    expect(Buffer.compare(await bytesOf(second.wal, segment(3)), testWal(9))).toBe(0);
  });
});

describe("WAL that is read from two repositories", () => {
  it("comes from the second where the first has it not, damaged, or is away", async () => {
    await copyWal(first.wal, second.wal);
    await first.wal.removeSegments([testPlace(1)]);
    for await (const { key } of first.store.list("srv_1/")) {
      if (!key.endsWith(`/${segment(2)}`)) continue;
      const bytes = await first.store.get(key);
      first.store.overwrite(
        key,
        bytes.map((byte, index) => (index === bytes.length - 5000 ? byte ^ 1 : byte)),
      );
    }
    const notes: string[] = [];
    const both = failoverWal(first.wal, second.wal, { onNote: (name) => notes.push(name) });
    for (const number of [1, 2, 3])
      expect(Buffer.compare(await bytesOf(both, segment(number)), testWal(number))).toBe(0);
    expect(notes).toEqual([segment(1), segment(2)]);
    expect(await names(both)).toContain(segment(1));
    expect((await both.partial(2))?.endLsn).toBe(testPlace(4, 2).startLsn + 5000n);
    await expect(bytesOf(both, segment(9))).rejects.toMatchObject({ code: "wal-missing" });
    expect(await both.has(segment(9))).toBe(false);
    await expect(both.putHistory(9, Buffer.from("x"))).rejects.toMatchObject({ code: "repository-read-only" });
  });

  it("is never said to be missing while one of them cannot be asked", async () => {
    const away = { effect: { kind: "error-before", code: "storage-unreachable" }, times: 1000 } as const;
    const faults = (["stat", "get", "read", "list"] as const).map((operation) => ({
      operation,
      matches: (key: string) => key.includes("/wal/"),
      ...away,
    }));
    const gone = await openWal(new FaultyStore(first.store, { faults }));
    for (const both of [failoverWal(gone, second.wal), failoverWal(second.wal, gone)]) {
      await expect(bytesOf(both, segment(1))).rejects.toMatchObject({ code: "storage-unreachable" });
      await expect(both.has(segment(1))).rejects.toBeInstanceOf(AppError);
    }
    await copyWal(first.wal, second.wal);
    const both = failoverWal(gone, second.wal);
    expect(Buffer.compare(await bytesOf(both, segment(1)), testWal(1))).toBe(0);
    expect(await both.timelines()).toEqual([1, 2]);
  });

  it("comes from the second once the first hangs, which is not waited for again soon", async () => {
    await copyWal(first.wal, second.wal);
    const never = Promise.withResolvers<void>();
    const effect = { kind: "stall", until: never.promise } as const;
    const operations = ["stat", "read", "list"] as const;
    const faults = operations.map((operation) => ({
      operation,
      matches: (key: string) => key.includes("/wal/"),
      times: 1000,
      effect,
    }));
    const hanging = await openWal(new FaultyStore(first.store, { faults }));
    const reasons: string[] = [];
    const onNote = (_: string, reason: string): unknown => reasons.push(reason);
    const both = failoverWal(hanging, second.wal, { stallMs: 2500, onNote: (name, why) => void onNote(name, why) });
    for (const number of [1, 2, 3])
      expect(Buffer.compare(await bytesOf(both, segment(number)), testWal(number))).toBe(0);
    expect(await names(both)).toContain(segment(1));
    // One wait for all of it; sixteen would be a wait for each.
    expect(reasons[0]).toContain("did not answer");
    expect(reasons.filter((reason) => reason.includes("a moment ago")).length).toBeGreaterThan(1);
    never.resolve();
  });
});
