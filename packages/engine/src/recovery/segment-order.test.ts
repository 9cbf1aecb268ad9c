import { describe, expect, it } from "vitest";
import { nextSegmentName, walFileKind } from "./segment-order.ts";

describe("nextSegmentName", () => {
  it.each([
    ["000000010000000000000001", 16, "000000010000000000000002"],
    ["0000000100000000000000FF", 16, "000000010000000100000000"],
    ["000000030000000900000FFF", 1, "000000030000000A00000000"],
    ["0000000A0000000200000003", 1024, "0000000A0000000300000000"],
    ["00000001FFFFFFFF000000FF", 16, null],
  ])("after %s of %i MiB comes %s", (name, mebibytes, next) => {
    expect(nextSegmentName(name, mebibytes << 20)).toBe(next);
  });
});

describe("walFileKind", () => {
  it.each([
    ["000000010000000000000001", "segment"],
    ["00000002.history", "history"],
    ["000000010000000000000001.partial", "other"],
    ["000000010000000000000001.00000028.backup", "other"],
    ["00000001000000000000001", null],
    ["../../etc/passwd", null],
    ["00000001000000000000000a", null],
  ])("%s is %s", (name, kind) => {
    expect(walFileKind(name)).toBe(kind);
  });
});
