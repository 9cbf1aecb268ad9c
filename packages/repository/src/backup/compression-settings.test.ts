import { MemoryStore } from "@tidemark/storage";
import { expect, it } from "vitest";
import { openRepository } from "../open-repository.ts";
import { parseCompression } from "../seal/compression.ts";
import {
  newTestRepository,
  noise,
  readTestBackup,
  type TestFiles,
  takeTestBackup,
  testKey,
} from "../test-repository.ts";

const settings = ["zstd:1", "gzip:6", "lz4", "none", "auto", "zstd:19", "gzip:1", "zstd:7"];

/** Text that shrinks, noise that does not, small files that share a frame; `round` changes a part of each. */
function filesOf(round: number): TestFiles {
  const text = Buffer.from(`row ${round} of a table with words that come again and again;`.repeat(4_000));
  return new Map([
    ["base/", new Uint8Array(0)],
    ["base/1", new Uint8Array(text)],
    ["base/2", noise(300_000, round)],
    ["base/3", new Uint8Array(Buffer.from("the same in every backup ".repeat(20_000)))],
    ["base/4", noise(3_000, round + 100)],
    ["base/5", new Uint8Array(8192)],
  ]);
}

it.each([true, false])(
  "restores backups made by every setting in one repository (encrypted: %s)",
  async (encrypted) => {
    const store = new MemoryStore();
    await (await newTestRepository({ store, encrypted })).repository.close();
    let parentId: string | null = null;
    for (const [round, setting] of settings.entries()) {
      const compression = parseCompression(setting);
      const repository = await openRepository(store, { key: testKey, compression, openerThreads: 1 });
      const backup = await takeTestBackup(repository.area("srv_1"), `bkp_${round}`, parentId, filesOf(round));
      // What did not change is referred to, whatever it was compressed with.
      if (parentId !== null) expect(backup.counts?.referencedBytes).toBeGreaterThanOrEqual(500_000n);
      parentId = backup.backupId;
      await repository.close();
    }
    const repository = await openRepository(store, { key: testKey, openerThreads: 1 });
    const area = repository.area("srv_1");
    for (const round of settings.keys()) {
      expect(await readTestBackup(area, `bkp_${round}`)).toEqual(new Map(filesOf(round)));
    }
    await repository.close();
  },
);

it("refuses a level that an algorithm does not have when a repository is opened", async () => {
  const store = new MemoryStore();
  await (await newTestRepository({ store })).repository.close();
  const opening = openRepository(store, { key: testKey, compression: { algorithm: "zstd", level: 20 } });
  await expect(opening).rejects.toMatchObject({ code: "bad-request" });
});
