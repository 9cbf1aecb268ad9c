import { describe, expect, it } from "vitest";
import { formatAge, formatBytes, formatDuration, formatShare, formatShares, parseDuration } from "./units.ts";

describe("formatBytes", () => {
  it.each([
    [0n, "0 B"],
    [1023, "1023 B"],
    [1024, "1.00 KiB"],
    [1536n, "1.50 KiB"],
    [10_240, "10.0 KiB"],
    [123n * 1024n * 1024n, "123 MiB"],
    [2n ** 62n, "4096 PiB"],
    [-2048, "-2.00 KiB"],
  ])("%s is %s", (sizeBytes, text) => expect(formatBytes(sizeBytes)).toBe(text));
});

describe("formatDuration", () => {
  it.each([
    [0, "0 ms"],
    [850.4, "850 ms"],
    [12_000, "12 s"],
    [60_000, "1 min"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
    [99 * 3_600_000, "4 d 3 h"],
    [-5_000, "-5 s"],
  ])("%s ms is %s", (durationMs, text) => expect(formatDuration(durationMs)).toBe(text));
});

describe("formatAge", () => {
  it.each([
    [-5_000, "1 s"],
    [0, "1 s"],
    [59_999, "59 s"],
    [180_000, "3 min"],
    [2 * 3_600_000, "2 h"],
    [47 * 3_600_000, "47 h"],
    [4 * 86_400_000, "4 d"],
  ])("%s ms is %s", (ageMs, text) => expect(formatAge(ageMs)).toBe(text));
});

describe("parseDuration", () => {
  it("reads what formatDuration writes, and shorter forms", () => {
    for (const durationMs of [850, 12_000, 200_000, 7_500_000, 356_400_000]) {
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    }
    expect([" 90s", "5m", "1h30min", "2d"].map(parseDuration)).toEqual([90_000, 300_000, 5_400_000, 172_800_000]);
  });

  it.each(["", "5", "min", "-5 s", "1.5 h", "5 weeks", "5 s later"])("does not read %o", (text) =>
    expect(parseDuration(text)).toBeNull(),
  );
});

describe("formatShares", () => {
  it("prints shares that add up to 100 %", () => {
    expect(formatShares([1n, 1n, 1n])).toEqual(["33.4 %", "33.3 %", "33.3 %"]);
    expect(formatShares([7n, 178n, 714n, 101n])).toEqual(["0.7 %", "17.8 %", "71.4 %", "10.1 %"]);
    expect(formatShares([0n, 0n])).toEqual(["0 %", "0 %"]);
  });

  it("calls a part nothing or everything only when it is", () => {
    expect(formatShares([1n, 999_999n])).toEqual(["0.1 %", "99.9 %"]);
    expect(formatShares([0n, 5n])).toEqual(["0 %", "100 %"]);
    expect([0, 0.0001, 0.9999, 1].map(formatShare)).toEqual(["0 %", "under 0.1 %", "99.9 %", "100 %"]);
  });
});
