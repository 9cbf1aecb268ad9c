import { describe, expect, it } from "vitest";
import { compareRows, type LedgerEntry, lsnValue } from "./writer-ledger.ts";

/** Rows 1 to 4; row n begins at 10n and is acknowledged at 10n + 5; the last one never was. */
const entries: readonly LedgerEntry[] = [1, 2, 3, 4].map((id) => ({
  id,
  lsnBefore: BigInt(10 * id),
  lsnAfter: id === 4 ? null : BigInt(10 * id + 5),
}));
const restored = (...ids: readonly number[]) => new Map(ids.map((id) => [id, `${id}:`.repeat(4)]));

function verdict(ids: readonly number[], stopLsn: number): string {
  return compareRows(restored(...ids), entries, BigInt(stopLsn), 8).verdict;
}

describe("the ledger's comparison", () => {
  it.each([
    [[1, 2], 25, "whole", "row 2 was acknowledged at the stop position, row 3 began after it"],
    [[1, 2, 3], 32, "whole", "row 3 was in flight: it may be there"],
    [[1, 2], 32, "whole", "row 3 was in flight: it may be missing"],
    [[1, 2, 3, 4], 99, "whole", "a row that was never acknowledged may be there"],
    [[1], 25, "1 lost", "row 2 was acknowledged and is missing"],
    [[1, 2, 3], 25, "1 from the future", "row 3 began after the stop position and is there"],
    [[1, 3], 32, "1 lost, 1 missing amid the others", "row 2 is missing though row 3 is there"],
    [[], 5, "whole", "nothing had begun"],
  ])("of rows %j at %i is: %s (%s)", (ids, stopLsn, expected) => {
    expect(verdict(ids, stopLsn)).toBe(expected);
  });

  it("sees a row whose content changed", () => {
    const rows = new Map([[1, "1:1:1:1?"]]);
    expect(compareRows(rows, entries, 15n, 8)).toMatchObject({ changed: [1], verdict: "1 changed" });
  });
});

it("reads an LSN as PostgreSQL prints it", () => {
  expect(lsnValue("16/B374D848")).toBe(0x16_b374_d848n);
  expect(() => lsnValue("16-1")).toThrow(RangeError);
});
