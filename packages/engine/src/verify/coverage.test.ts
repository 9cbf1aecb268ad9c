import type { PackVerification } from "@tidemark/repository";
import { describe, expect, it } from "vitest";
import { coverageOf, isInSubset, joinUse, usesFrame } from "./coverage.ts";

const day = (number: number) => new Date(Date.UTC(2026, 0, number));
const result = (
  packId: string,
  tier: "stored" | "whole",
  at: Date,
  damage: string | null = null,
): PackVerification => ({
  packId,
  tier,
  at,
  damage,
});
/** Pack a: 4 frames needed, b: 3, c: 1. */
const use = new Map([
  ["a", new Uint8Array([0b1111])],
  ["b", new Uint8Array([0b1, 0b11])],
  ["c", new Uint8Array([0b1000])],
]);

describe("coverageOf", () => {
  it.each([
    [
      "nothing was ever verified",
      [],
      { storedShare: 0, wholeShare: 0, storedSince: null, wholeSince: null, damagedPackIds: [] },
    ],
    [
      "frames are weighed, the oldest result dates it, and whole counts as stored",
      [result("a", "whole", day(3)), result("c", "stored", day(2))],
      { storedShare: 5 / 8, wholeShare: 4 / 8, storedSince: day(2), wholeSince: day(3), damagedPackIds: [] },
    ],
    [
      "a later look at the stored bytes dates those, the older whole one stays what it is",
      [result("a", "whole", day(1)), result("a", "stored", day(9))],
      { storedShare: 4 / 8, wholeShare: 4 / 8, storedSince: day(9), wholeSince: day(1), damagedPackIds: [] },
    ],
    [
      "damage found last takes a pack out, however often it was sound before",
      [result("b", "whole", day(1)), result("b", "stored", day(2), "its hash does not match")],
      { storedShare: 0, wholeShare: 0, storedSince: null, wholeSince: null, damagedPackIds: ["b"] },
    ],
    [
      "a pack that was mended counts again",
      [result("b", "stored", day(1), "missing"), result("b", "whole", day(2))],
      { storedShare: 3 / 8, wholeShare: 3 / 8, storedSince: day(2), wholeSince: day(2), damagedPackIds: [] },
    ],
    [
      "packs that nobody needs do not count",
      [result("z", "whole", day(1))],
      { storedShare: 0, wholeShare: 0, storedSince: null, wholeSince: null, damagedPackIds: [] },
    ],
  ])("%s", (_, verifications, expected) => {
    expect(coverageOf(use, verifications)).toEqual(expected);
  });

  it("calls a backup that needs no pack verified", () => {
    expect(coverageOf(new Map(), [])).toMatchObject({ storedShare: 1, wholeShare: 1 });
  });
});

describe("isInSubset", () => {
  const packIds = Array.from({ length: 2000 }, (_, number) => `pck_01j${number.toString(36).padStart(8, "0")}`);

  it.each([1, 2, 7, 28])("divides packs into %i parts, each pack in one, none empty", (of) => {
    const parts = Array.from({ length: of }, (_, index) =>
      packIds.filter((id) => isInSubset(id, { part: index + 1, of })),
    );
    expect(parts.flat().sort()).toEqual([...packIds].sort());
    for (const part of parts) expect(part.length).toBeGreaterThan(packIds.length / of / 2);
  });
});

describe("joinUse", () => {
  it("needs what either needs, and leaves its sources alone", () => {
    const joined = new Map<string, Uint8Array>();
    joinUse(joined, use);
    joinUse(
      joined,
      new Map([
        ["a", new Uint8Array([0, 0b100])],
        ["d", new Uint8Array([1])],
      ]),
    );
    expect([...joined.keys()]).toEqual(["a", "b", "c", "d"]);
    expect(joined.get("a")).toEqual(new Uint8Array([0b1111, 0b100]));
    expect(use.get("a")).toEqual(new Uint8Array([0b1111]));
    expect([usesFrame(joined.get("a"), 10), usesFrame(joined.get("a"), 11), usesFrame(undefined, 0)]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
