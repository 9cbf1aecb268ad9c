import { describe, expect, it } from "vitest";
import { findYoungRuns, YoungList, YoungLookup } from "./young-pages.ts";

const blockSize = 8192;
const startLsn = 0x1_0000_0028n;

function pages(...lsns: readonly bigint[]): Uint8Array {
  const bytes = Buffer.alloc(lsns.length * blockSize + 1).subarray(1);
  for (const [page, lsn] of lsns.entries()) {
    bytes.writeUInt32LE(Number(lsn >> 32n), page * blockSize);
    bytes.writeUInt32LE(Number(lsn & 0xffffffffn), page * blockSize + 4);
  }
  return bytes;
}

describe("findYoungRuns", () => {
  it("tells pages behind the start from those up to it, new ones, and rot from the far future", () => {
    const young = startLsn + 8n;
    const bytes = pages(young, startLsn, 0n, young, 0x2_0000_0000n, 0x1_0000_0000n, 0xffff_ffff_0000_0000n, young);
    expect(findYoungRuns(bytes, { startLsn, blockSize }, 16 * blockSize)).toEqual([
      { firstBlock: 16, count: 1 },
      { firstBlock: 19, count: 2 },
      { firstBlock: 23, count: 1 },
    ]);
  });

  it("leaves half a page at the end alone", () => {
    const bytes = pages(startLsn + 8n, startLsn + 8n).subarray(0, blockSize + 100);
    expect(findYoungRuns(bytes, { startLsn, blockSize }, 0)).toEqual([{ firstBlock: 0, count: 1 }]);
  });
});

describe("the list of young pages", () => {
  it("joins what frames cut apart, and leaves out files without any", () => {
    const list = new YoungList();
    const runs = [
      { firstBlock: 14, count: 2 },
      { firstBlock: 16, count: 3 },
      { firstBlock: 20, count: 1 },
    ];
    list.add("base/5/1", runs);
    list.add("base/5/2", []);
    expect(list.pages).toEqual({ files: [{ path: "base/5/1", runs: [14, 5, 20, 1] }], isWhole: true });
  });

  it("is bounded, and says so", () => {
    const list = new YoungList();
    const runs = Array.from({ length: 5_999 }, (_, index) => ({ firstBlock: index * 2, count: 1 }));
    list.add("base/5/1", runs);
    expect(list.pages.isWhole).toBe(true);
    list.add("base/5/2", runs);
    list.add("base/5/3", runs);
    expect(list.pages.isWhole).toBe(false);
    expect(list.pages.files.map(({ runs: listed }) => listed.length)).toEqual([11_998, 2]);
  });
});

describe("a lookup of young pages", () => {
  const lookup = new YoungLookup({ files: [{ path: "base/5/1", runs: [3, 2, 9, 1] }], isWhole: true });
  it.each<[string, readonly number[], number, number | null]>([
    ["all named", [1, 3, 4, 8, 9], 20, null],
    ["one missing", [1, 3, 8, 9], 20, 4],
    ["the last missing", [3, 4], 20, 9],
    ["the last cut off since", [3, 4], 9, null],
    ["none named", [], 20, 3],
  ])("finds the first that is not sent: %s", (_, named, endBlock, expected) => {
    expect(lookup.firstUnnamed("base/5/1", Uint32Array.from(named), endBlock)).toBe(expected);
  });

  it("knows nothing of other files", () => {
    expect(lookup.firstUnnamed("base/5/2", new Uint32Array(0), 20)).toBeNull();
    expect(new YoungLookup(null).firstUnnamed("base/5/1", new Uint32Array(0), 20)).toBeNull();
  });
});
