import { describe, expect, it } from "vitest";
import { parseLsn } from "../files/lsn.ts";
import { closedSegment } from "./switch-wal.ts";

const mebibyte = 1024 * 1024;

describe("closedSegment", () => {
  it.each<readonly [lsn: string, sizeMb: number, expected: string | null, why: string]>([
    ["0/2000078", 16, "000000030000000000000002", "inside a segment"],
    ["0/2000000", 16, null, "a segment's first byte: nothing had been written since"],
    [
      "0/3000028",
      16,
      "000000030000000000000002",
      "a switch record that ends with its segment is answered behind the next header",
    ],
    ["0/3000040", 16, "000000030000000000000003", "the earliest end a switch record can have in its own segment"],
    ["1/0", 16, null, "the first byte of the second 4 GiB"],
    ["1/28", 16, "0000000300000000000000FF", "the last segment of the first 4 GiB"],
    ["1/28", 1, "000000030000000000000FFF", "the same with segments of 1 MiB"],
    ["0/FFFFFFF8", 1024, "000000030000000000000003", "segments of 1 GiB"],
  ])("%s with segments of %i MiB: %s (%s)", (lsn, sizeMb, expected) => {
    expect(closedSegment(parseLsn(lsn), 3, sizeMb * mebibyte)).toBe(expected);
  });
});
