import type { Lsn } from "@tidemark/postgres";
import { describe, expect, it } from "vitest";
import { chooseStart, type ServerHistory, type TimelineReach, timelineAt, withinServer } from "./start-point.ts";

const size = 0x1000000;
const lsn = (value: number) => BigInt(value) as Lsn;
const alone: ServerHistory = { timeline: 1, ancestors: [] };
/** 1 → 3 at 5/8 of a segment, 3 → 4 at a segment's end. */
const promoted: ServerHistory = {
  timeline: 4,
  ancestors: [
    { timeline: 1, switchLsn: lsn(0x5800000), reason: "" },
    { timeline: 3, switchLsn: lsn(0x9000000), reason: "" },
  ],
};

function reach(
  timeline: number,
  whole: number | null,
  partial: readonly [number, number] | null = null,
): TimelineReach {
  const part = partial === null ? null : { startLsn: lsn(partial[0]), endLsn: lsn(partial[1]) };
  return { timeline, wholeEndLsn: whole === null ? null : lsn(whole), partial: part };
}

const cases: readonly [string, TimelineReach[], ServerHistory, readonly [number, number, number] | null][] = [
  ["nothing is stored", [], alone, null],
  ["behind the last whole segment", [reach(1, 0x4000000)], alone, [1, 0x4000000, 0x4000000]],
  [
    "a segment in the making is received again, and what is durable of it counts",
    [reach(1, 0x4000000, [0x4000000, 0x4001000])],
    alone,
    [1, 0x4000000, 0x4001000],
  ],
  [
    "behind a gap there is only a part",
    [reach(1, 0x4000000, [0x7000000, 0x7001000])],
    alone,
    [1, 0x7000000, 0x7001000],
  ],
  [
    "an old part before whole segments does not matter",
    [reach(1, 0x4000000, [0x2000000, 0x2001000])],
    alone,
    [1, 0x4000000, 0x4000000],
  ],
  ["another branch does not count, however new", [reach(2, 0x9000000)], alone, null],
  ["the rest of an ancestor comes first", [reach(1, 0x5000000)], promoted, [1, 0x5000000, 0x5000000]],
  [
    "an ancestor that is all there is followed by the segment in which the next one begins",
    [reach(1, 0x5000000, [0x5000000, 0x5800000])],
    promoted,
    [3, 0x5000000, 0x5800000],
  ],
  [
    "what the old primary wrote beyond the switch does not matter",
    [reach(1, 0x8000000)],
    promoted,
    [3, 0x5000000, 0x5800000],
  ],
  ["the newest timeline wins", [reach(1, 0x8000000), reach(3, 0x7000000)], promoted, [3, 0x7000000, 0x7000000]],
  ["a switch at a segment's end needs no part", [reach(3, 0x9000000)], promoted, [4, 0x9000000, 0x9000000]],
  [
    "on the server's own timeline",
    [reach(4, null, [0x9000000, 0x9000100]), reach(1, 0x5000000)],
    promoted,
    [4, 0x9000000, 0x9000100],
  ],
];

describe("where receiving goes on", () => {
  it.each(cases)("%s", (_, reaches, history, expected) => {
    const start = chooseStart(reaches, history, size);
    if (expected === null) return expect(start).toBeNull();
    const [timeline, startLsn, durableLsn] = expected;
    return expect(start).toEqual({ timeline, startLsn: lsn(startLsn), durableLsn: lsn(durableLsn) });
  });

  it("knows which timeline wrote a byte", () => {
    expect([0x5000000, 0x57fffff, 0x5800000, 0x8ffffff, 0x9000000].map((at) => timelineAt(promoted, lsn(at)))).toEqual([
      1, 1, 3, 3, 4,
    ]);
  });
});

it.each([
  ["counts what the server has, too", 4, 0x4001000, 0x4001000],
  ["does not count what lies beyond the end of the server's own WAL", 4, 0x4000800, 0x4000000],
  ["counts what an earlier timeline has, which the server has left", 5, 0x800, 0x4001000],
])("%s", (_, timeline, flushLsn, durableLsn) => {
  const start = { timeline: 4, startLsn: lsn(0x4000000), durableLsn: lsn(0x4001000) };
  expect(withinServer(start, { timeline, flushLsn: lsn(flushLsn) }).durableLsn).toBe(lsn(durableLsn));
});
