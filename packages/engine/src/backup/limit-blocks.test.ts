import { describe, expect, it } from "vitest";
import { LimitBlocks } from "./limit-blocks.ts";

const layout = { blockSize: 8192, blocksPerSegment: 131_072 };
const pages = (count: number) => BigInt(count) * 8192n;
const limit = (tablespaceOid: number, databaseOid: number, relfilenode: number, block: number, fork = "main") => ({
  tablespaceOid,
  databaseOid,
  relfilenode,
  fork: fork as "main",
  block,
});

describe("LimitBlocks", () => {
  const limits = new LimitBlocks([
    limit(1663, 5, 16384, 100),
    limit(1663, 5, 16385, 131_072 + 40),
    limit(1664, 0, 1262, 3),
    limit(16400, 5, 16390, 7),
    limit(1663, 5, 16391, 9, "init"),
  ]);

  it.each([
    ["a table of pg_default", "base/5/16384", pages(100)],
    ["a shared one", "global/1262", pages(3)],
    ["one in a tablespace", "pg_tblspc/16400/PG_18_202506291/5/16390", pages(7)],
    ["another fork than the one that was cut", "base/5/16384_init", null],
    ["the fork that was cut", "base/5/16391_init", pages(9)],
    ["its main fork, which was not", "base/5/16391", null],
    ["the same number in another database", "base/6/16384", null],
    ["the same number in another tablespace", "pg_tblspc/16401/PG_18_202506291/5/16390", null],
    ["no relation", "base/5/PG_VERSION", null],
    // A file of a relation holds 131,072 blocks: a limit of 131,112 lies in its second one.
    ["a file before the limit", "base/5/16385", null],
    ["the file the limit lies in", "base/5/16385.1", pages(40)],
    ["a file behind the limit", "base/5/16385.2", 0n],
    ["the second file of a relation cut in its first", "base/5/16384.1", 0n],
  ])("of %s", (_, path, expected) => {
    expect(limits.zerosFrom(path, layout)).toBe(expected);
  });

  it("keeps the smallest of several", () => {
    const several = new LimitBlocks([50, 20, 80].map((block) => limit(1663, 5, 16384, block)));
    expect(several.count).toBe(1);
    expect(several.zerosFrom("base/5/16384", layout)).toBe(pages(20));
  });

  it("counts a limit at a file's first block as that file's beginning, not as the end of the one before", () => {
    const atEdge = new LimitBlocks([limit(1663, 5, 16384, 131_072)]);
    expect(atEdge.zerosFrom("base/5/16384", layout)).toBeNull();
    expect(atEdge.zerosFrom("base/5/16384.1", layout)).toBe(0n);
  });
});
