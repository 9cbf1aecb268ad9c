import { MemoryStore } from "@tidemark/storage";
import { describe, expect, it } from "vitest";
import {
  filesOf,
  InlineEncoder,
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
} from "../test-repository.ts";
import type {
  BackupWriter,
  BeginBackup,
  Extent,
  FrameEncoder,
  FrameJob,
  FrameOutcome,
  ServerArea,
  StoredBackup,
} from "../types.ts";
import { windowPieces } from "./carrier.ts";

const block = 8192;
const path = new TextEncoder().encode("base/5/1259");
const files = (bytes: Uint8Array): Map<string, Uint8Array> => new Map([["base/5/1259", bytes]]);

interface TestPatch {
  readonly sizeBytes: number;
  /** Block number and what its bytes are filled with. */
  readonly blocks: ReadonlyMap<number, number>;
  readonly zerosFrom?: number;
}

async function patchFile(writer: BackupWriter, { sizeBytes, blocks, zerosFrom }: TestPatch): Promise<void> {
  const file = await writer.addPatchedFile({
    path,
    mode: 0o600,
    sizeBytes: BigInt(sizeBytes),
    modifiedAt: new Date(0),
    blockSize: block,
    changedBlocks: Uint32Array.from(blocks.keys()),
    zerosFrom: zerosFrom === undefined ? null : BigInt(zerosFrom),
  });
  for (const fill of blocks.values()) await file.write(new Uint8Array(block).fill(fill));
  await file.end();
}

async function takePatch(
  area: ServerArea,
  begin: Pick<BeginBackup, "backupId" | "parentId" | "avoidPackIds" | "evacuatePackIds">,
  patch: TestPatch,
  encoder: FrameEncoder = new InlineEncoder(),
): Promise<StoredBackup> {
  const writer = await area.beginBackup({ ...begin, startedAt: new Date(0), encoder });
  await patchFile(writer, patch);
  return writer.commit(testFacts);
}

async function extentsOf(area: ServerArea, backupId: string): Promise<readonly Extent[]> {
  return (await filesOf(area, backupId))[0]?.extents ?? [];
}

/** Encodes as it should and then changes what it says of the pieces. */
class PieceEncoder extends InlineEncoder {
  readonly #change: (pieces: Uint32Array) => Uint32Array;

  constructor(change: (pieces: Uint32Array) => Uint32Array) {
    super();
    this.#change = change;
  }

  override async encode(job: FrameJob): Promise<FrameOutcome> {
    const outcome = await super.encode(job);
    return outcome.kind === "encoded" ? { ...outcome, pieceCrcs: this.#change(outcome.pieceCrcs) } : outcome;
  }
}

/** Says which bytes of packs were asked for. */
class WatchedStore extends MemoryStore {
  packBytes = 0;

  override async get(key: string, options?: Parameters<MemoryStore["get"]>[1]): Promise<Uint8Array> {
    const bytes = await super.get(key, options);
    if (key.includes("/packs/")) this.packBytes += bytes.length;
    return bytes;
  }
}

const bak1 = { backupId: "bak_1", parentId: null };
const bak2 = { backupId: "bak_2", parentId: "bak_1" };

describe("a patched file", () => {
  it("is the parent's with the changed blocks laid over, and refers to the rest without reading it", async () => {
    const store = new WatchedStore();
    const { area, repository } = await newTestRepository({ store });
    const before = noise(block * 400, 1);
    await takeTestBackup(area, bak1.backupId, null, files(before));
    store.packBytes = 0;
    const stored = await takePatch(area, bak2, {
      sizeBytes: before.length,
      blocks: new Map([
        [0, 1],
        [5, 2],
        [6, 3],
        [399, 4],
      ]),
    });
    // Only the directory of the pack, which lies in its last 128 KiB.
    expect(store.packBytes).toBeLessThan(135_000);
    const after = before
      .slice()
      .fill(1, 0, block)
      .fill(2, block * 5, block * 6)
      .fill(3, block * 6, block * 7);
    after.fill(4, block * 399);
    expect([...(await readTestBackup(area, "bak_2"))]).toEqual([...files(after)]);
    expect(stored.counts).toMatchObject({
      readBytes: BigInt(block * 4),
      newBytes: BigInt(block * 4),
      carriedBytes: BigInt(block * 396),
      referencedBytes: 0n,
      zeroBytes: 0n,
      // 25 frames; the first falls into four runs, the last into two.
      runs: 29,
      smallRuns: 3,
    });
    // Unchanged frames keep their fingerprints, pieces have none.
    const extents = await extentsOf(area, "bak_2");
    expect(extents.filter((extent) => extent.kind === "frame" && extent.fingerprint === null).length).toBe(3);
    await repository.close();
  });

  it("becomes zeros from its limit on and beyond the parent's end, whatever of it is written", async () => {
    const { area, repository } = await newTestRepository();
    const before = noise(block * 40, 1);
    await takeTestBackup(area, "bak_1", null, files(before));
    const sizeBytes = block * 60;
    await takePatch(area, bak2, {
      sizeBytes,
      blocks: new Map([
        [35, 7],
        [45, 0],
        [50, 8],
      ]),
      zerosFrom: block * 20,
    });
    const after = new Uint8Array(sizeBytes);
    after.set(before.subarray(0, block * 20));
    after.fill(7, block * 35, block * 36).fill(8, block * 50, block * 51);
    expect([...(await readTestBackup(area, "bak_2"))]).toEqual([...files(after)]);
    await repository.close();
  });

  it("with nothing changed is carried whole, so that a full stream of it stores nothing", async () => {
    const { area, repository } = await newTestRepository();
    const bytes = noise(block * 40, 1);
    await takeTestBackup(area, "bak_1", null, files(bytes));
    const second = await takePatch(area, bak2, { sizeBytes: bytes.length, blocks: new Map() });
    expect(second.counts).toMatchObject({ storedBytes: 0n, readBytes: 0n, carriedBytes: BigInt(bytes.length) });
    expect(await extentsOf(area, "bak_2")).toEqual(await extentsOf(area, "bak_1"));
    const third = await takeTestBackup(area, "bak_3", "bak_2", files(bytes));
    expect(third.counts).toMatchObject({ storedBytes: 0n, referencedBytes: BigInt(bytes.length) });
    await repository.close();
  });

  it("is found unchanged by a full stream where a whole frame was written, and stored anew where pieces were", async () => {
    const { area, repository } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(noise(block * 48, 1)));
    const blocks = new Map(Array.from({ length: 17 }, (_, at) => [16 + at, at + 1]));
    await takePatch(area, bak2, { sizeBytes: block * 48, blocks });
    const bytes = (await readTestBackup(area, "bak_2")).get("base/5/1259") ?? new Uint8Array(0);
    const third = await takeTestBackup(area, "bak_3", "bak_2", files(bytes));
    expect(third.counts).toMatchObject({
      referencedBytes: BigInt(block * 32),
      newBytes: BigInt(block * 16),
      smallRuns: 0,
    });
    await repository.close();
  });

  it.each([
    ["unknown, as in packs of format 1", () => new Uint32Array(0)],
    ["wrong", (pieces: Uint32Array) => pieces.map((crc) => crc ^ 1)],
  ])("opens the frame where the checksums of its pieces are %s", async (_name, change) => {
    const { area, repository } = await newTestRepository();
    const before = noise(block * 40, 1);
    const writer = await area.beginBackup({ ...bak1, startedAt: new Date(0), encoder: new PieceEncoder(change) });
    const file = await writer.addFile({ path, mode: 0o600, sizeBytes: BigInt(before.length), modifiedAt: new Date(0) });
    await file.write(before);
    await file.end();
    await writer.commit(testFacts);
    await takePatch(area, bak2, { sizeBytes: before.length, blocks: new Map([[20, 9]]) });
    const third = { backupId: "bak_3", parentId: "bak_2" };
    await takePatch(area, third, { sizeBytes: before.length, blocks: new Map([[22, 9]]) });
    const after = before
      .slice()
      .fill(9, block * 20, block * 21)
      .fill(9, block * 22, block * 23);
    expect([...(await readTestBackup(area, "bak_3"))]).toEqual([...files(after)]);
    await repository.close();
  });

  it("is refused with blocks out of order or beyond its end, and where the parent has no whole pages of it", async () => {
    const { area, repository } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, new Map([["odd", noise(block + 1, 1)], ...files(noise(block, 1))]));
    const writer = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder: new InlineEncoder() });
    const entry = {
      path,
      mode: 0o600,
      sizeBytes: BigInt(block * 2),
      modifiedAt: new Date(0),
      blockSize: block,
      zerosFrom: null,
    };
    const refused = { code: "bad-request" };
    for (const changedBlocks of [[1, 0], [1, 1], [2]].map((blocks) => Uint32Array.from(blocks))) {
      await expect(writer.addPatchedFile({ ...entry, changedBlocks })).rejects.toMatchObject(refused);
    }
    for (const name of ["odd", "other"]) {
      const other = new TextEncoder().encode(name);
      expect(await writer.parentFile(other)).toBeNull();
      const patch = { ...entry, path: other, changedBlocks: new Uint32Array(0) };
      await expect(writer.addPatchedFile(patch)).rejects.toMatchObject(refused);
    }
    const fewer = await writer.addPatchedFile({ ...entry, changedBlocks: Uint32Array.of(0) });
    await expect(fewer.end()).rejects.toMatchObject({ code: "backup-stream-damaged" });
    await writer.abort();
    await repository.close();
  });
});

describe("a file that is patched again and again", () => {
  it("is put together anew where it would fall into too many pieces, so that a restore stays cheap", async () => {
    const { area, repository } = await newTestRepository({ encrypted: false });
    const windows = 6;
    let bytes = noise(block * 16 * windows, 1);
    await takeTestBackup(area, "bak_0", null, files(bytes));
    let gathered = 0n;
    for (let generation = 1; generation <= 30; generation++) {
      const random = noise(windows, generation);
      const blocks = new Map(Array.from(random, (dice, window) => [window * 16 + (dice % 16), generation]));
      const begin = { backupId: `bak_${generation}`, parentId: `bak_${generation - 1}` };
      const { counts } = await takePatch(area, begin, { sizeBytes: bytes.length, blocks });
      gathered += (counts?.newBytes ?? 0n) - (counts?.readBytes ?? 0n);
      bytes = bytes.slice();
      for (const [number, fill] of blocks) bytes.fill(fill, number * block, (number + 1) * block);
      const pieces = Array<number>(windows).fill(0);
      for (const { fileOffset } of await extentsOf(area, begin.backupId)) {
        const window = Number(fileOffset) / (block * 16);
        pieces[Math.floor(window)] = (pieces[Math.floor(window)] ?? 0) + 1;
      }
      expect(Math.max(...pieces)).toBeLessThanOrEqual(windowPieces);
    }
    expect([...(await readTestBackup(area, "bak_30"))]).toEqual([...files(bytes)]);
    expect(gathered).toBeGreaterThan(0n);
    // Far less than storing it anew with every backup.
    expect(gathered).toBeLessThan(BigInt(bytes.length * 8));
    await repository.close();
  });
});

describe("a patched file whose parent is not whole", () => {
  it("is not begun where its packs are missing or to be avoided", async () => {
    const { area, repository, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(noise(block * 40, 1)));
    const [packKey = ""] = await keysOf(store, "srv_1/packs/");
    const avoidPackIds = new Set([packKey.split("/")[2] ?? ""]);
    const encoder = new InlineEncoder();
    const avoiding = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder, avoidPackIds });
    expect(await avoiding.parentFile(path)).toBeNull();
    await avoiding.abort();
    await store.delete(packKey);
    const missing = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder });
    expect(await missing.parentFile(path)).toBeNull();
    const patch = { sizeBytes: block, blocks: new Map() };
    await expect(patchFile(missing, patch)).rejects.toMatchObject({ code: "bad-request" });
    await missing.abort();
    await repository.close();
  });

  it("fails the backup, and does not make something up, when parent or pack are lost in the middle", async () => {
    const { area, repository, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(noise(block * 40, 1)));
    const encoder = new InlineEncoder();
    const patch = { sizeBytes: block * 40, blocks: new Map([[3, 1]]) };
    const orphan = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder });
    const manifest = await store.get("srv_1/backups/bak_1");
    await store.delete("srv_1/backups/bak_1");
    await expect(patchFile(orphan, patch)).rejects.toMatchObject({ code: "manifest-missing" });
    await orphan.abort();
    await store.put("srv_1/backups/bak_1", manifest);
    const [packKey = ""] = await keysOf(store, "srv_1/packs/");
    const pack = await store.get(packKey);
    const early = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder });
    await store.delete(packKey);
    await expect(patchFile(early, patch)).rejects.toMatchObject({ code: "pack-missing" });
    await early.abort();
    await store.put(packKey, pack);
    const late = await area.beginBackup({ ...bak2, startedAt: new Date(0), encoder });
    await patchFile(late, patch);
    await store.delete(packKey);
    await expect(late.commit(testFacts)).rejects.toMatchObject({ code: "pack-missing" });
    await late.abort();
    expect((await area.listBackups()).map(({ backupId }) => backupId)).toEqual(["bak_1"]);
    await repository.close();
  });

  it("names the pack when what was to be copied from it is damaged", async () => {
    const { area, repository, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, files(noise(block * 40, 1)));
    const [packKey = ""] = await keysOf(store, "srv_1/packs/");
    const packId = packKey.split("/")[2] ?? "";
    const pack = (await store.get(packKey)).slice();
    pack[5_000] = (pack[5_000] ?? 0) ^ 1;
    await store.delete(packKey);
    await store.put(packKey, pack);
    const writer = await area.beginBackup({
      ...bak2,
      startedAt: new Date(0),
      encoder: new InlineEncoder(),
      evacuatePackIds: new Set([packId]),
    });
    const damaged = patchFile(writer, { sizeBytes: block * 40, blocks: new Map() });
    await expect(damaged).rejects.toMatchObject({ code: "pack-damaged", context: { packId } });
    await writer.abort();
    await repository.close();
  });
});
