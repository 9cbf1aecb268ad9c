import { expect, it } from "vitest";
import { CloneStarts, mostStarts } from "./clone-starts.ts";

it("tries a start that fails again after longer and longer pauses, and gives it up after a bounded number", () => {
  let nowMs = 1_000_000;
  const starts = new CloneStarts({ monotonicMs: () => nowMs });
  const pauses: number[] = [];
  for (;;) {
    expect(starts.isDue("a")).toBe(true);
    const { againInMs } = starts.failed("a");
    if (againInMs === null) break;
    pauses.push(againInMs);
    nowMs += againInMs - 1;
    expect(starts.isDue("a")).toBe(false);
    expect(starts.isDue("b")).toBe(true);
    nowMs += 1;
  }
  expect(pauses).toHaveLength(mostStarts - 1);
  expect(pauses).toEqual(pauses.toSorted((left, right) => left - right));
  expect(pauses.reduce((sum, pause) => sum + pause, 0)).toBeGreaterThan(180_000);
});

it("counts anew after a start that succeeded", () => {
  const starts = new CloneStarts({ monotonicMs: () => 0 });
  for (let count = 1; count < mostStarts; count++) starts.failed("a");
  starts.forget("a");
  expect(starts.isDue("a")).toBe(true);
  expect(starts.failed("a")).toMatchObject({ count: 1, againInMs: 1_000 });
});
