import { type AppendableObject, FaultyStore, MemoryStore } from "@tidemark/storage";
import { describe, expect, it, vi } from "vitest";
import { createRepository } from "../open-repository.ts";
import { testKey } from "../test-repository.ts";
import { collect, inChunks, openWal, PlainStore, testPlace, testSegmentBytes, testWal } from "./test-wal.ts";
import type { WalArchive, WalSegmentWriter } from "./wal-archive.ts";

/** Numbers that are the same in every run of a seed (mulberry32). */
function dice(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

class Died extends Error {}

/** One history: receivers that follow each other or overlap, and die; each is given the same stream from a segment's start. */
class History {
  readonly #roll: (below: number) => number;
  readonly #store: MemoryStore;
  /** The end of what any writer was told to be durable. */
  acknowledged = 0;
  #writers = 0;

  constructor(store: MemoryStore, seed: number) {
    this.#store = store;
    this.#roll = dice(seed);
  }

  async run(): Promise<void> {
    for (let life = 0; life < 6; life++) {
      const others = this.#roll(3) === 0 ? [this.#live(), this.#live()] : [this.#live()];
      await Promise.all(others);
      if (this.#roll(2) === 0 && this.#store instanceof PlainStore === false) {
        this.#store.losePower((bytes) => (bytes === 0 ? 0 : this.#roll(bytes + 1)));
      }
      await this.check();
    }
  }

  /** A receiver begins with the first segment that is not whole, as it does after a crash, and dies sooner or later. */
  async #live(): Promise<void> {
    let stepsLeft = this.#roll(30);
    const onStep = (): void => {
      if (stepsLeft-- <= 0) throw new Died("here");
    };
    const archive = await openWal(this.#store, { onStep });
    let segment = 0;
    while (await archive.has(nameOf(segment))) segment++;
    await this.#tellFound(archive, segment);
    let writer: WalSegmentWriter | null = null;
    try {
      for (; segment < segmentCount; segment++) {
        writer = await archive.beginSegment(testPlace(segment), { writer: `w-${++this.#writers}` });
        await this.#write(writer, segment);
        await writer.finish(null);
        this.#tell((segment + 1) * testSegmentBytes);
      }
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      await writer?.abandon();
    }
  }

  /** As `readReach`: what the dead left is said to be durable at once. */
  async #tellFound(archive: WalArchive, segment: number): Promise<void> {
    if (segment === segmentCount) return;
    const partial = await archive.partialOf(testPlace(segment));
    if (partial === null) return;
    await archive.settle(`${nameOf(segment)}.partial`);
    this.#tell(Number(partial.endLsn));
  }

  async #write(writer: WalSegmentWriter, segment: number): Promise<void> {
    const wal = testWal(segment, untils[segment]);
    for (let at = 0; at < wal.length; ) {
      const size = Math.min(wal.length - at, 1 + this.#roll(this.#roll(3) === 0 ? 1000 : 200_000));
      await writer.write(wal.subarray(at, at + size));
      at += size;
      if (this.#roll(3) === 0) this.#tell(Number(await writer.flush()));
    }
  }

  #tell(end: number): void {
    this.acknowledged = Math.max(this.acknowledged, end);
  }

  /** Everything that was acknowledged can be read, and whatever says it is there has the right bytes. */
  async check(): Promise<void> {
    const archive = await openWal(this.#store);
    let end = 0;
    for (let segment = 0; segment < segmentCount; segment++) {
      const wal = testWal(segment, untils[segment]);
      if (await archive.has(nameOf(segment))) {
        expect(Buffer.compare(await collect(archive.read(nameOf(segment))), wal)).toBe(0);
        end = (segment + 1) * testSegmentBytes;
        continue;
      }
      const partial = await archive.partialOf(testPlace(segment));
      if (partial === null) break;
      const bytes = await collect(partial.read());
      expect(bytes.length).toBe(Number(partial.endLsn - partial.place.startLsn));
      expect(Buffer.compare(bytes, wal.subarray(0, bytes.length))).toBe(0);
      end = Number(partial.endLsn);
      break;
    }
    expect(end).toBeGreaterThanOrEqual(this.acknowledged);
  }
}

const segmentCount = 3;
/** The second was switched early. */
const untils = [testSegmentBytes, 200_000, testSegmentBytes];
const nameOf = (segment: number): string => `0000000100000000${segment.toString(16).toUpperCase().padStart(8, "0")}`;
const histories = Number(process.env.WAL_HISTORIES ?? 6);

describe.each([
  ["grow", () => new MemoryStore()],
  ["are put whole", () => new PlainStore()],
] as const)("WAL whose writers die, where objects %s", (_, newStore) => {
  it.each(Array.from({ length: histories }, (_unused, seed) => seed))(
    "keeps what was acknowledged (history %i)",
    async (seed) => {
      const store = newStore();
      await createRepository(store, { encryption: seed % 2 === 0 ? testKey : "none" });
      const history = new History(store, seed);
      await history.run();
    },
  );
});

describe("pieces", () => {
  const store = new MemoryStore();

  async function flushed(archive: WalArchive, sizes: readonly number[]): Promise<void> {
    const writer = await archive.beginSegment(testPlace(1), { writer: "w" });
    let at = 0;
    for (const size of sizes) {
      await writer.write(testWal(1).subarray(at, at + size));
      at += size;
      await writer.flush();
    }
    await writer.abandon();
  }

  it("end at the first byte that is damaged, wherever that is", async () => {
    await createRepository(store, { encryption: "none" });
    const archive = await openWal(store);
    await flushed(archive, [500, 500, 70_000, 300, 200]);
    const keys: string[] = [];
    for await (const { key } of store.list("srv_1/")) keys.push(key);
    expect(keys.length).toBe(2);
    for (const key of keys) {
      const whole = await store.get(key);
      for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 60)) {
        store.overwrite(
          key,
          whole.map((byte, index) => (index === at ? byte ^ 255 : byte)),
        );
        const partial = await archive.partialOf(testPlace(1));
        const bytes = partial === null ? new Uint8Array(0) : await collect(partial.read());
        expect(Buffer.compare(bytes, testWal(1).subarray(0, bytes.length))).toBe(0);
        store.overwrite(key, whole.slice(0, at));
        const cut = await archive.partialOf(testPlace(1));
        const cutBytes = cut === null ? new Uint8Array(0) : await collect(cut.read());
        expect(Buffer.compare(cutBytes, testWal(1).subarray(0, cutBytes.length))).toBe(0);
      }
      store.overwrite(key, whole);
    }
    expect((await archive.partialOf(testPlace(1)))?.endLsn).toBe(testPlace(1).startLsn + 71_500n);
  });

  it("of a segment are never taken for it: every damage of a whole one is told", async () => {
    const one = new MemoryStore();
    await createRepository(one, { encryption: "none" });
    const archive = await openWal(one);
    await archive.putSegment(testPlace(1), inChunks(testWal(1, 150_000), 100_000), null);
    const key = `srv_1/7412345678901234567/wal/00000001/${nameOf(1)}`;
    const whole = await one.get(key);
    for (let at = 0; at < whole.length; at += Math.ceil(whole.length / 150)) {
      one.overwrite(
        key,
        whole.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      );
      await expect(collect(archive.read(nameOf(1)))).rejects.toMatchObject({
        code: expect.stringMatching(/wal-damaged|repository-format-newer/),
      });
      one.overwrite(key, whole.slice(0, at));
      await expect(collect(archive.read(nameOf(1)))).rejects.toMatchObject({ code: "wal-damaged" });
    }
  });
});

describe("what a writer left that died before it had synced", () => {
  it("lasts once it was settled, and only then", async () => {
    const store = new MemoryStore();
    await createRepository(store, { encryption: testKey });
    const writer = await (await openWal(store)).beginSegment(testPlace(0), { writer: "w-1" });
    await writer.write(testWal(0).subarray(0, 100_000));
    const flushed = await writer.flush();
    await writer.write(testWal(0).subarray(100_000));
    const archive = await openWal(store);
    // A lot of blocks is appended once it is sealed, whether anybody waits for it or not.
    const seen = await vi.waitFor(
      async () => {
        const endLsn = (await archive.partialOf(testPlace(0)))?.endLsn ?? 0n;
        expect(endLsn).toBeGreaterThan(flushed);
        return endLsn;
      },
      { timeout: 15_000 },
    );
    await writer.abandon();
    await archive.settle(`${nameOf(0)}.partial`);
    store.losePower(() => 0);
    expect((await archive.partialOf(testPlace(0)))?.endLsn).toBe(seen);
  });
});

class CountingStore extends MemoryStore {
  open = 0;

  override async beginAppend(): Promise<AppendableObject> {
    const object = await super.beginAppend();
    const close = object.close.bind(object);
    this.open++;
    object.close = async () => {
      this.open--;
      await close();
    };
    return object;
  }
}

describe("a writer whose pieces cannot be written", () => {
  // Its own beginning is the first append, that of its small boxes the second.
  it.each([2, 3])("leaves no file open (append %i)", async (from) => {
    const store = new CountingStore();
    await createRepository(store, { encryption: testKey });
    const effect = { kind: "error-before", code: "storage-full" } as const;
    const archive = await openWal(new FaultyStore(store, { faults: [{ operation: "append", from, effect }] }));
    const writer = await archive.beginSegment(testPlace(0), { writer: "w-1" });
    await writer.write(testWal(0).subarray(0, 100));
    await expect(writer.flush()).rejects.toMatchObject({ code: "storage-full" });
    await writer.abandon();
    expect(store.open).toBe(0);
  });
});
