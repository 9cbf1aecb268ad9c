import { Secret } from "@tidemark/kit";
import { MemoryStore } from "@tidemark/storage";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openRepository } from "../open-repository.ts";
import {
  digestsOf,
  InlineEncoder,
  keysOf,
  newTestRepository,
  noise,
  readTestBackup,
  takeTestBackup,
  testFacts,
  testKey,
  writeFiles,
} from "../test-repository.ts";
import type { FileResult, ManifestFile, ServerArea } from "../types.ts";

const none = new Uint8Array(0);

/** One of each thing a data directory holds. */
function cluster(seed = 1): Map<string, Uint8Array> {
  const sparse = new Uint8Array(600_000);
  sparse.set(noise(5_000, seed), 400_000);
  return new Map([
    ["base/", none],
    ["PG_VERSION", new TextEncoder().encode("18\n")],
    ["base/5/", none],
    ["base/5/1259", noise(900_001, seed)],
    ["base/5/empty", none],
    ["base/5/zeros", new Uint8Array(1_000_000)],
    ["base/5/small zeros", new Uint8Array(8192)],
    ["base/5/sparse", sparse],
    ["base/5/exactly a frame", noise(131_072, seed + 1)],
    ["base/5/1260", noise(8192, seed + 2)],
    ["base/5/1261", noise(65_536, seed + 3)],
    ["base/5/1262", noise(65_537, seed + 4)],
    ["pg_tblspc/16500@/srv/fast", none],
    ["global/pg_control", noise(8192, seed + 5)],
  ]);
}

async function files(area: ServerArea, backupId: string): Promise<ManifestFile[]> {
  const found: ManifestFile[] = [];
  for await (const entry of (await area.openManifest(backupId)).entries()) if (entry.kind === "file") found.push(entry);
  return found;
}

describe.each([true, false])("a backup in a repository (encrypted: %s)", (encrypted) => {
  it("is read back as it was written, facts and order included, by a second opening", async () => {
    const { area, store, repository } = await newTestRepository({ encrypted });
    const stored = await takeTestBackup(area, "bak_1", null, cluster());
    await repository.close();
    const again = await openRepository(store, { key: encrypted ? testKey : null });
    expect([...(await readTestBackup(again.area("srv_1"), "bak_1"))]).toEqual([...cluster()]);
    const [listed] = await again.area("srv_1").listBackups();
    expect(listed).toEqual(stored);
    expect(listed?.facts).toEqual(testFacts);
    expect(await again.serverIds()).toEqual(["srv_1"]);
    expect(await keysOf(store, "srv_1/leases/")).toEqual([]);
    await again.close();
  });

  it("references what the parent has at the same place and stores only the rest", async () => {
    const { area, repository } = await newTestRepository({ encrypted });
    await takeTestBackup(area, "bak_1", null, cluster());
    const changed = cluster();
    changed.get("base/5/1259")?.fill(7, 300_000, 300_010);
    changed.set("base/5/1260", noise(8192, 99));
    // Another order than the parent's, and a file it does not have.
    const reordered = new Map([["new", noise(300, 5)], ...[...changed].reverse()]);
    const second = await takeTestBackup(area, "bak_2", "bak_1", reordered);
    expect([...(await readTestBackup(area, "bak_2"))]).toEqual([...reordered]);
    // Stored anew: one frame of 1259, the file 1260 and the new one, the pack's own parts.
    expect(second.counts?.storedBytes).toBeLessThan(131_072n + 8192n + 300n + 3_000n);
    const whole = await takeTestBackup(area, "bak_3", "bak_2", reordered);
    expect(whole.counts?.storedBytes).toBe(0n);
    await area.deleteBackup("bak_1");
    await area.deleteBackup("bak_2");
    expect([...(await readTestBackup(area, "bak_3"))]).toEqual([...reordered]);
    await repository.close();
  });
});

describe("a backup writer", () => {
  it("stores no frame of zeros and joins runs of them", async () => {
    const { area, repository } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, new Map([["zeros", new Uint8Array(1_000_000)]]));
    const [zeros] = await files(area, "bak_1");
    expect(zeros?.extents).toEqual([{ kind: "zeros", fileOffset: 0n, lengthBytes: 1_000_000n }]);
    expect((await area.listBackups())[0]?.counts?.storedBytes).toBe(0n);
    await repository.close();
  });

  it("reports each file's CRC-32C and findings once, at the latest while draining", async () => {
    const { area, repository } = await newTestRepository();
    const encoder = new InlineEncoder();
    const writer = await area.beginBackup({ backupId: "bak_1", parentId: null, startedAt: new Date(0), encoder });
    const results = new Map<string, FileResult>();
    for (const name of ["123456789", "a".repeat(70_000)]) {
      const path = new TextEncoder().encode(name.slice(0, 9));
      const onResult = (result: FileResult): unknown => results.set(name.slice(0, 9), result);
      const sizeBytes = BigInt(name.length);
      const file = await writer.addFile({ path, mode: 0o600, sizeBytes, modifiedAt: new Date(0), onResult });
      await file.write(new TextEncoder().encode(name));
      await file.end();
    }
    await writer.drain();
    expect(results.get("123456789")?.crc32c).toBe(0xe3069283);
    expect(results.size).toBe(2);
    await writer.commit(testFacts);
    const stored = (await files(area, "bak_1")).map(({ crc32c }) => crc32c);
    expect(stored).toEqual([...results.values()].map(({ crc32c }) => crc32c));
    await repository.close();
  });

  it("refuses a file that has fewer or more bytes than announced", async () => {
    const { area, repository } = await newTestRepository();
    const encoder = new InlineEncoder();
    const writer = await area.beginBackup({ backupId: "bak_1", parentId: null, startedAt: new Date(0), encoder });
    const entry = { path: new TextEncoder().encode("f"), mode: 0o600, sizeBytes: 10n, modifiedAt: new Date(0) };
    const file = await writer.addFile(entry);
    await expect(file.write(new Uint8Array(11))).rejects.toMatchObject({ code: "backup-stream-damaged" });
    await file.write(new Uint8Array(9));
    await expect(file.end()).rejects.toMatchObject({ code: "backup-stream-damaged" });
    await writer.abort();
    await repository.close();
  });

  it("keeps names that are not UTF-8 and times before 1970", async () => {
    const { area, repository } = await newTestRepository();
    const encoder = new InlineEncoder();
    const writer = await area.beginBackup({ backupId: "bak_1", parentId: null, startedAt: new Date(0), encoder });
    const path = Uint8Array.from([0xff, 0xfe, 0x20, 0x80]);
    await (await writer.addFile({ path, mode: 0o600, sizeBytes: 0n, modifiedAt: new Date(-5_001) })).end();
    await writer.commit(testFacts);
    const [file] = await files(area, "bak_1");
    expect(file?.path).toEqual(path);
    expect(file?.modifiedAt).toEqual(new Date(-5_001));
    await repository.close();
  });

  it("fills several packs and finds every frame again", { timeout: 60_000 }, async () => {
    const { area, repository, store } = await newTestRepository();
    const large = new Map([1, 2, 3].map((seed) => [`file${seed}`, noise(25 * 1024 * 1024, seed)] as const));
    await takeTestBackup(area, "bak_1", null, large);
    const packs = await keysOf(store, "srv_1/packs/");
    expect(packs.length).toBe(3);
    const sizes = await Promise.all(packs.map(async (key) => (await store.stat(key))?.sizeBytes ?? 0));
    expect(Math.max(...sizes)).toBeLessThan(34 * 1024 * 1024);
    const read = await readTestBackup(area, "bak_1");
    for (const [name, bytes] of large) expect(Buffer.compare(read.get(name) ?? none, bytes)).toBe(0);
    await repository.close();
  });

  it("stores again what sits in a pack that is missing or avoided", async () => {
    const { area, repository, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, cluster());
    const [pack] = await keysOf(store, "srv_1/packs/");
    const encoder = new InlineEncoder();
    const avoidPackIds = new Set([pack?.slice("srv_1/packs/".length) ?? ""]);
    const options = { backupId: "bak_2", parentId: "bak_1", startedAt: new Date(0), encoder, avoidPackIds };
    const writer = await area.beginBackup(options);
    await writeFiles(writer, cluster());
    expect((await writer.commit(testFacts)).counts?.referencedBytes).toBe(0n);
    await store.delete(pack ?? "");
    expect([...(await readTestBackup(area, "bak_2"))]).toEqual([...cluster()]);
    const third = await takeTestBackup(area, "bak_3", "bak_1", cluster());
    expect(third.counts?.referencedBytes).toBe(0n);
    await repository.close();
  });

  it("stops when cancelled", async () => {
    const { area, repository, store } = await newTestRepository();
    const controller = new AbortController();
    const encoder = new InlineEncoder();
    const { signal } = controller;
    const writer = await area.beginBackup({ backupId: "b1", parentId: null, startedAt: new Date(0), encoder, signal });
    await writeFiles(writer, cluster());
    controller.abort();
    await expect(writer.commit(testFacts)).rejects.toMatchObject({ code: "cancelled" });
    await writer.abort();
    expect(await keysOf(store, "srv_1/packs/")).toEqual([]);
    expect(await area.listBackups()).toEqual([]);
    await repository.close();
  });
});

describe("whatever the files are", () => {
  const size = fc.oneof(fc.nat(300), fc.nat(70_000), fc.constantFrom(65_536, 131_072, 262_144), fc.nat(400_000));
  const file = fc.record({ size, seed: fc.nat(50), zeroFrom: fc.nat(400_000) });
  const tree = fc.dictionary(fc.constantFrom("a", "b", "c/d", "e f", "ü", "g"), file, { maxKeys: 6 });
  const build = (spec: Record<string, { size: number; seed: number; zeroFrom: number }>): Map<string, Uint8Array> =>
    new Map(
      Object.entries(spec).map(
        ([name, { size, seed, zeroFrom }]) => [name, noise(size, seed).fill(0, zeroFrom)] as const,
      ),
    );

  it("three backups, each the parent of the next, read back equal, and unchanged ones store nothing", {
    timeout: 60_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), tree, tree, async (encrypted, first, second) => {
        const { area, repository } = await newTestRepository({ encrypted, store: new MemoryStore() });
        // The same tree keeps some files and changes others, since names and seeds come from small sets.
        const trees = [build(first), build({ ...first, ...second }), build({ ...second, ...first })];
        let parentId: string | null = null;
        for (const [index, files] of trees.entries()) {
          const id: string = `bak_${index}`;
          await takeTestBackup(area, id, parentId, files);
          const again = await takeTestBackup(area, `${id}_again`, id, files);
          expect(again.counts?.storedBytes).toBe(0n);
          parentId = `${id}_again`;
        }
        for (const [index, files] of trees.entries()) {
          expect(digestsOf(await readTestBackup(area, `bak_${index}`))).toEqual(digestsOf(files));
          expect(digestsOf(await readTestBackup(area, `bak_${index}_again`))).toEqual(digestsOf(files));
        }
        await repository.close();
      }),
      { numRuns: 15 },
    );
  });
});

describe("the keys of a repository", () => {
  it("open it with the passphrase it was made with, composed in any way, and nothing else", async () => {
    const { createRepository } = await import("../open-repository.ts");
    const store = new MemoryStore();
    const passphrase = (text: string) => ({ kind: "passphrase", text: new Secret(text) }) as const;
    const passphraseCost = { memoryKib: 64, passes: 1, parallelism: 1 };
    const made = await createRepository(store, { encryption: passphrase("caf\u00e9"), passphraseCost });
    await takeTestBackup(made.area("srv_1"), "bak_1", null, cluster());
    const again = await openRepository(store, { key: passphrase("cafe\u0301") });
    expect(digestsOf(await readTestBackup(again.area("srv_1"), "bak_1"))).toEqual(digestsOf(cluster()));
    await expect(openRepository(store, { key: passphrase("cafe") })).rejects.toMatchObject({
      code: "repository-key-wrong",
    });
    await expect(openRepository(store, { key: testKey })).rejects.toMatchObject({ code: "repository-key-wrong" });
    await made.close();
    await again.close();
  });
});
