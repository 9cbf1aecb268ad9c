import { describe, expect, it } from "vitest";
import { filesOf, keysOf, newTestRepository, noise, takeTestBackup } from "../test-repository.ts";
import type { ServerArea } from "../types.ts";

/** Plain bytes of a backup in the packs of each backup that wrote them. */
async function bytesByWriter(area: ServerArea, backupId: string): Promise<Map<string | null, number>> {
  const byPack = new Map<string, number>();
  for (const file of await filesOf(area, backupId)) {
    for (const extent of file.extents) {
      if (extent.kind !== "frame") continue;
      byPack.set(extent.packId, (byPack.get(extent.packId) ?? 0) + extent.lengthBytes);
    }
  }
  const byWriter = new Map<string | null, number>();
  for (const [packId, writer] of await area.packWriters(byPack.keys())) {
    byWriter.set(writer, (byWriter.get(writer) ?? 0) + (byPack.get(packId) ?? 0));
  }
  return byWriter;
}

describe("where a backup's bytes live", () => {
  const same = noise(300_000, 1);

  it("tells by which backup each pack was written, also after that backup was deleted", async () => {
    const { area } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, new Map([["base/5/1259", same]]));
    const second = await takeTestBackup(
      area,
      "bak_2",
      "bak_1",
      new Map([
        ["base/5/1259", same],
        ["base/5/2619", noise(200_000, 2)],
        ["base/5/zeros", new Uint8Array(131_072)],
      ]),
    );
    await area.deleteBackup("bak_1");
    const byWriter = await bytesByWriter(area, "bak_2");
    expect(byWriter).toEqual(
      new Map([
        ["bak_1", 300_000],
        ["bak_2", 200_000],
      ]),
    );
    const { newBytes, referencedBytes, carriedBytes, zeroBytes } = second.counts ?? {};
    expect([newBytes, referencedBytes, carriedBytes, zeroBytes]).toEqual([200_000n, 300_000n, 0n, 131_072n]);
  });

  it("says of a pack that is missing or has a damaged head that its writer is not known", async () => {
    const { area, store } = await newTestRepository();
    await takeTestBackup(area, "bak_1", null, new Map([["base/5/1259", same]]));
    const [key] = await keysOf(store, "srv_1/packs/");
    const packId = key?.split("/").at(-1) ?? "";
    await store.delete(key ?? "");
    expect(await area.packWriters([packId])).toEqual(new Map([[packId, null]]));
    await store.put(key ?? "", new Uint8Array(400));
    expect(await area.packWriters([packId])).toEqual(new Map([[packId, null]]));
  });
});
