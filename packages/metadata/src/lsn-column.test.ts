import { expect, it } from "vitest";
import { lsnFromColumn, lsnToColumn } from "./lsn-column.ts";

it("keeps every LSN through a signed column", () => {
  for (const lsn of [0n, 1n, 0x16_b374d848n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    const column = lsnToColumn(lsn);
    expect(column >= -(2n ** 63n) && column < 2n ** 63n).toBe(true);
    expect(lsnFromColumn(column)).toBe(lsn);
  }
  expect(lsnToColumn(null)).toBeNull();
  expect(lsnFromColumn(null)).toBeNull();
});
