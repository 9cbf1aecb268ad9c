import { describe, expect, it } from "vitest";
import { slotForecast, walGrowth } from "./slot-forecast.ts";

const now = new Date("2026-11-22T12:00:00Z");
const facts = { walBytesPerSecond: 1_000, safeBytes: 3_600_000n, freeBytes: null, now };

describe("the growth of WAL", () => {
  const at = (seconds: number, lsn: bigint) => ({ atMs: seconds * 1_000, serverLsn: lsn });
  it("is what two looks tell, and nothing after one", () => {
    expect(walGrowth(null, null, at(0, 5n))).toBeNull();
    expect(walGrowth(null, at(0, 0n), at(10, 5_000n))).toBe(500);
  });
  it("follows a change by half in five minutes", () => {
    expect(walGrowth(1_000, at(0, 0n), at(300, 0n))).toBeCloseTo(500);
    expect(walGrowth(0, at(0, 0n), at(300, 300_000n))).toBeCloseTo(500);
  });
  it("begins anew where the server is behind what it was, and keeps what it knew within one instant", () => {
    expect(walGrowth(1_000, at(0, 9n), at(10, 5n))).toBeNull();
    expect(walGrowth(1_000, at(1, 5n), at(1, 5n))).toBe(1_000);
  });
});

describe("when a slot or a disk is full", () => {
  it("is the nearer of the two", () => {
    expect(slotForecast(facts)).toEqual({ limit: "slot", at: new Date("2026-11-22T13:00:00Z") });
    expect(slotForecast({ ...facts, freeBytes: 60_000n })).toEqual({
      limit: "disk",
      at: new Date("2026-11-22T12:01:00Z"),
    });
  });
  it("is now when nothing is left, whatever is written", () => {
    expect(slotForecast({ ...facts, walBytesPerSecond: null, safeBytes: -1n })).toEqual({ limit: "slot", at: now });
  });
  it("is not told without a limit, for an idle server, or past a year", () => {
    expect(slotForecast({ ...facts, safeBytes: null })).toBeNull();
    expect(slotForecast({ ...facts, walBytesPerSecond: 0 })).toBeNull();
    expect(slotForecast({ ...facts, safeBytes: 10n ** 18n })).toBeNull();
  });
});
