import { describe, expect, it } from "vitest";
import { formatLsn, parseLsn } from "./lsn-text.ts";

describe("an LSN as text", () => {
  it("is what PostgreSQL prints, over the whole range", () => {
    for (const [lsn, text] of [
      [0n, "0/0"],
      [0x16_b374d848n, "16/B374D848"],
      [0xffff_ffff_ffff_ffffn, "FFFFFFFF/FFFFFFFF"],
      [0x1_0000_0001n, "1/1"],
    ] as const) {
      expect(formatLsn(lsn)).toBe(text);
      expect(parseLsn(text)).toBe(lsn);
    }
  });

  it("is refused when it is none", () => {
    for (const text of ["", "16", "16/", "/1", "16/B374D8481", "g/1", "1/1 "]) expect(parseLsn(text)).toBeNull();
  });
});
