import { readdir } from "node:fs/promises";
import type { Extent, ExtentRows } from "@tidemark/repository";
import { tempDir } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { PlaceCounts, PlaceTable } from "./place-table.ts";
import { placeWords, readPlace } from "./place-words.ts";

/** Runs of many packs in no order, as an old incremental has them. */
function fragmented(fileIndex: number): Extent[] {
  return Array.from({ length: 200 }, (_, run) => {
    if (run % 7 === 0) return { kind: "zeros", fileOffset: BigInt(run) * 8192n, lengthBytes: 8192n };
    return {
      kind: "frame",
      fileOffset: BigInt(run) * 8192n + (fileIndex === 1 ? 2n ** 33n : 0n),
      lengthBytes: 8192,
      packId: `pck_${(run * 31 + fileIndex) % 11}`,
      frameIndex: (run * 17) % 5,
      offsetInFrame: (run % 16) * 8192,
      crc32c: (run * 2654435761) >>> 0,
      fingerprint: null,
    };
  });
}

function rowsOf(extents: readonly Extent[]): ExtentRows {
  const run = (index: number) => extents[index] as Extent & { readonly kind: "frame" };
  return {
    count: extents.length,
    isZeros: (index) => extents[index]?.kind === "zeros",
    beginOf: (index) => Number(run(index).fileOffset),
    endOf: (index) => Number(run(index).fileOffset) + Number(run(index).lengthBytes),
    packIdOf: (index) => run(index).packId,
    frameIndexOf: (index) => run(index).frameIndex,
    offsetInFrameOf: (index) => run(index).offsetInFrame,
    crcOf: (index) => run(index).crc32c,
  };
}

async function places(placesPerBatch: number) {
  const files = [0, 1, 2].map(fragmented);
  const counts = new PlaceCounts();
  for (const extents of files) counts.add(rowsOf(extents));
  await using dir = await tempDir("places");
  const table = await PlaceTable.open({ counts, spoolFolder: dir.path, placesPerBatch });
  for (const [index, extents] of files.entries()) await table.add(index, rowsOf(extents));
  const found: string[] = [];
  for await (const pack of table.packs()) {
    expect([...pack.frameIndexes]).toEqual([...pack.frameIndexes].sort((a, b) => a - b));
    for (const frame of pack.frameIndexes) {
      const { from, to } = pack.range(frame);
      for (let at = from; at < to; at++) {
        const place = readPlace(pack.words, at * placeWords);
        found.push(JSON.stringify([pack.packId, frame, place]));
      }
    }
  }
  await table.close();
  expect(await readdir(dir.path)).toEqual([]);
  return found;
}

const expected = [0, 1, 2].flatMap((fileIndex) =>
  fragmented(fileIndex).flatMap((extent) => {
    if (extent.kind === "zeros") return [];
    const { packId, frameIndex, fileOffset, offsetInFrame, lengthBytes, crc32c } = extent;
    const place = { fileIndex, offsetInFrame, lengthBytes, crc32c, fileOffset: Number(fileOffset) };
    return [JSON.stringify([packId, frameIndex, place])];
  }),
);

/** Pack after pack, each in the order in which it came. */
function byPack(found: readonly string[]): string[] {
  const packOf = (text: string) => String((JSON.parse(text) as unknown[])[0]);
  return found.toSorted((left, right) => packOf(left).localeCompare(packOf(right)));
}

describe("PlaceTable", () => {
  it("gives every place once, by pack and frame, whether it fits into memory or not", async () => {
    const inMemory = await places(1_000_000);
    expect([...inMemory].sort()).toEqual([...expected].sort());
    expect(inMemory.map((text) => JSON.parse(text)[0]).filter((pack, at, all) => pack !== all[at - 1])).toHaveLength(
      11,
    );
    // In which order packs come depends on how many are in memory together.
    expect(byPack(await places(100))).toEqual(byPack(inMemory));
  });

  it("refuses a place it was not told of", async () => {
    const counts = new PlaceCounts();
    counts.add(rowsOf(fragmented(0).slice(0, 5)));
    await using dir = await tempDir("places");
    const table = await PlaceTable.open({ counts, spoolFolder: dir.path });
    await expect(table.add(0, rowsOf(fragmented(0)))).rejects.toThrow(RangeError);
  });
});
