import { expect, it } from "vitest";
import { assertNever } from "./assert-never.ts";
import { systemClock } from "./clock.ts";

it("tells the wall's time, and a monotonic one that never goes back", () => {
  expect(systemClock.now().getTime()).toBeGreaterThan(Date.UTC(2024, 0, 1));
  const readings = Array.from({ length: 100 }, () => systemClock.monotonicMs());
  expect(readings).toEqual([...readings].sort((left, right) => left - right));
});

it("throws on a value the compiler thought impossible, and names it", () => {
  expect(() => assertNever("surprise" as never)).toThrow('"surprise"');
});
