import { AppError } from "@tidemark/kit";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLsn, type Lsn, parseLsn, toLsn } from "./lsn.ts";
import {
  parseWalSegmentName,
  timelineHistoryName,
  walSegmentName,
  walSegmentNames,
  walSegmentStart,
} from "./wal-segment.ts";

const anyLsn = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }).map(toLsn);
const segmentSizes = fc.integer({ min: 20, max: 30 }).map((power) => 2 ** power);

describe("LSN", () => {
  it("reads what servers print, padded or not", () => {
    expect(parseLsn("16/B374D848")).toBe(0x16b374d848n);
    expect(parseLsn("0/0A000028")).toBe(parseLsn("0/A000028"));
    expect(formatLsn(0x16b374d848n as Lsn)).toBe("16/B374D848");
  });

  it("reads back what it prints", () => {
    fc.assert(fc.property(anyLsn, (lsn) => parseLsn(formatLsn(lsn)) === lsn));
  });

  it.each(["", "0", "0/", "/0", "0/123456789", "g/0", "0/0 ", "-1/0"])("refuses %j", (text) => {
    expect(() => parseLsn(text)).toThrow(AppError);
  });
});

describe("WAL segment names", () => {
  it("are those of the server for 16 MiB and other sizes", () => {
    expect(walSegmentName(1, parseLsn("0/2000028"), 16 << 20)).toBe("000000010000000000000002");
    expect(walSegmentName(1, parseLsn("1/FF000000"), 16 << 20)).toBe("0000000100000001000000FF");
    expect(walSegmentName(10, parseLsn("1/FF000000"), 1 << 20)).toBe("0000000A0000000100000FF0");
    expect(walSegmentName(1, parseLsn("3/80000000"), 1 << 30)).toBe("000000010000000300000002");
    expect(timelineHistoryName(18)).toBe("00000012.history");
  });

  it("are read back to the segment's first byte", () => {
    fc.assert(
      fc.property(anyLsn, segmentSizes, fc.integer({ min: 1, max: 0xffffffff }), (lsn, size, timeline) => {
        expect(parseWalSegmentName(walSegmentName(timeline, lsn, size), size)).toEqual({
          timeline,
          startLsn: walSegmentStart(lsn, size),
        });
      }),
    );
  });

  it("are refused when impossible at that segment size", () => {
    expect(parseWalSegmentName("000000010000000000000100", 16 << 20)).toBeNull();
    expect(parseWalSegmentName("000000000000000000000001", 16 << 20)).toBeNull();
    expect(parseWalSegmentName("00000001000000000000000a", 16 << 20)).toBeNull();
    expect(() => walSegmentName(1, parseLsn("0/0"), 3_000_000)).toThrow(AppError);
  });

  it("cover a range without its end", () => {
    const names = walSegmentNames(1, parseLsn("0/2000028"), parseLsn("0/4000000"), 16 << 20);
    expect(names).toEqual(["000000010000000000000002", "000000010000000000000003"]);
  });
});
