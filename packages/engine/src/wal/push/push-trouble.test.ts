import { writeFile } from "node:fs/promises";
import type { ErrorCode } from "@tidemark/kit";
import { createRepository, openRepository, type ServerArea } from "@tidemark/repository";
import { FaultyStore, FilesystemStore, type ObjectStore, ReadOnlyStore } from "@tidemark/storage";
import { type TempDir, tempDir } from "@tidemark/testkit";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { pushWal } from "./push-wal.ts";

const systemIdentifier = 7_412_345_678_901_234_567n;
const sizeBytes = 1 << 20;
const name = "000000010000000000000003";

/** A segment as far as its header goes; behind that there are no records. */
function segment(): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  for (let at = 8192; at < bytes.length; at += 4) bytes[at] = (at * 2_654_435_761) >>> 24;
  const view = new DataView(bytes.buffer);
  // XLogLongPageHeaderData of 18 (xlog_internal.h): magic, XLP_LONG_HEADER, timeline, address, what is left of a record.
  view.setUint16(0, 0xd118, true);
  view.setUint16(2, 2, true);
  view.setUint32(4, 1, true);
  view.setBigUint64(8, 3n * BigInt(sizeBytes), true);
  view.setBigUint64(24, systemIdentifier, true);
  view.setUint32(32, sizeBytes, true);
  view.setUint32(36, 8192, true);
  return bytes;
}

describe("a push to a repository that takes nothing", () => {
  let dir: TempDir;
  let path: string;
  beforeEach(async () => {
    dir = await tempDir("push");
    path = dir.join(name);
    await writeFile(path, segment());
    for (const one of ["one", "two"]) {
      const repository = await createRepository(new FilesystemStore(dir.join(one)), { encryption: "none" });
      await repository.close();
    }
  });
  afterEach(() => dir[Symbol.asyncDispose]());

  const open = async (folder: string, wrap: (store: ObjectStore) => ObjectStore = (store) => store) => {
    const repository = await openRepository(wrap(new FilesystemStore(dir.join(folder))), { key: null });
    return { area: repository.area("srv_1"), close: () => repository.close() };
  };
  const push = (...areas: [ServerArea, ...ServerArea[]]) => {
    const [first, ...others] = areas.map((area) => ({ area, systemIdentifier }));
    return pushWal({ owners: [first as NonNullable<typeof first>, ...others], writer: "test" }, path);
  };
  const has = async (folder: string) => {
    const { area, close } = await open(folder);
    const found = await area.wal(systemIdentifier).has(name);
    await close();
    return found;
  };
  const failing = (operation: "append" | "publish", code: ErrorCode) => (store: ObjectStore) =>
    new FaultyStore(store, {
      faults: [{ operation, times: Number.POSITIVE_INFINITY, effect: { kind: "error-before", code } }],
    });

  it.each([
    ["is full while it is written", failing("append", "storage-full"), "storage-full"],
    ["is full when it is named", failing("publish", "storage-full"), "storage-full"],
    ["is read-only", (store: ObjectStore) => new ReadOnlyStore(store), "repository-read-only"],
  ] as const)(
    "is refused while it %s, leaves nothing, and succeeds when asked again afterwards",
    async (_, wrap, code) => {
      const trouble = await open("one", wrap);
      await expect(push(trouble.area)).rejects.toMatchObject({ code });
      await expect(push(trouble.area)).rejects.toMatchObject({ code });
      await trouble.close();
      expect(await has("one")).toBe(false);
      const { area, close } = await open("one");
      expect(await push(area)).toMatchObject({ outcome: "stored" });
      expect(await push(area)).toMatchObject({ outcome: "same" });
      await close();
    },
  );

  it("is not acknowledged while one of two is full, though the other has it", async () => {
    const good = await open("one");
    const full = await open("two", failing("append", "storage-full"));
    await expect(push(good.area, full.area)).rejects.toMatchObject({ code: "storage-full" });
    expect([await has("one"), await has("two")]).toEqual([true, false]);
    await full.close();
    const freed = await open("two");
    expect(await push(good.area, freed.area)).toMatchObject({ outcome: "stored" });
    expect(await has("two")).toBe(true);
    await Promise.all([good.close(), freed.close()]);
  });
});
