import { expect, it } from "vitest";
import { type VerifiedPart, verifyTurn } from "./verify-turn.ts";

const start = new Date("2026-03-01T00:00:00Z").getTime();
const hour = 3_600_000;
const at = (hours: number) => new Date(start + hours * hour);
const done = (part: number, of: number, hours: number): VerifiedPart => {
  return { part, of, firstAt: at(hours), lastAt: at(hours), verifiedAt: at(hours + 0.5), isRunning: false };
};

it("verifies everything within the days, a part each, for ever, and is never late by itself", () => {
  for (const days of [1, 2, 7, 30]) {
    const parts = new Map<number, VerifiedPart>();
    for (let hours = 0; hours < days * 24 * 4; hours++) {
      const turn = verifyTurn({ days, parts: [...parts.values()], now: at(hours) });
      expect(turn.late, `${days} days, hour ${hours}`).toBe(false);
      if (hours >= days * 24) expect(turn.freshParts, `${days} days, hour ${hours}`).toBe(days);
      if (turn.next !== null) {
        parts.set(turn.next, { ...done(turn.next, days, hours), firstAt: parts.get(turn.next)?.firstAt ?? at(hours) });
      }
    }
    expect(parts.size).toBe(days);
  }
});

it.each<[string, readonly VerifiedPart[], number, number | null]>([
  ["begins at once", [], 0, 1],
  ["waits a day after a part", [done(1, 3, 0)], 20, null],
  ["goes on with the next", [done(1, 3, 0)], 23, 2],
  ["waits while one runs", [{ ...done(1, 3, 0), verifiedAt: null, isRunning: true }], 40, null],
  ["tries again after an hour what ended without a verdict", [{ ...done(1, 3, 0), verifiedAt: null }], 1, 1],
  ["does not try again before", [{ ...done(1, 3, 0), verifiedAt: null }], 0.5, null],
  ["counts a verification of everything for each part", [done(1, 3, 0), done(1, 1, 5)], 20, null],
  ["forgets parts of another number of days", [done(1, 7, 0), done(2, 7, 23)], 24, 1],
  ["catches up one upon the other", [done(1, 3, 0), done(2, 3, 23), done(3, 3, 100)], 101, 1],
])("%s", (_name, parts, hours, next) => {
  expect(verifyTurn({ days: 3, parts, now: at(hours) }).next).toBe(next);
});

it("says how far it is, and when it is late", () => {
  const turn = (parts: readonly VerifiedPart[], hours: number) => verifyTurn({ days: 3, parts, now: at(hours) });
  expect(turn([done(1, 3, 0)], 2).sentence).toBe(
    "verified by parts, 1 of 3 so far: everything stored every 3 days is the target",
  );
  const all = [done(1, 3, 0), done(2, 3, 23), done(3, 3, 46)];
  expect(turn(all, 48)).toMatchObject({ late: false, freshParts: 3 });
  expect(turn(all, 48).sentence).toBe("everything stored was verified within 47 h, and every 3 days is the target");
  expect(turn(all, 97)).toMatchObject({ late: true, freshParts: 1 });
  expect(turn(all, 97).sentence).toBe("not everything stored was verified for 4 d, and every 3 days is the target");
  // A part that never was verified is late once the first attempt is old enough.
  expect(turn([{ ...done(1, 3, 0), verifiedAt: null }], 97).late).toBe(true);
});
