import type { Lsn } from "@tidemark/postgres";
import { describe, expect, it } from "vitest";
import { firstUnsummarized, isWithinSummary, spansBetween, summariesOf, timelineSpans } from "./timeline-spans.ts";

const history = [
  { timeline: 1, switchLsn: 100n as Lsn, reason: "" },
  { timeline: 3, switchLsn: 250n as Lsn, reason: "" },
];
const line = timelineSpans(history, 4);
const summary = (timeline: number, start: number, end: number) => ({
  timeline,
  startLsn: BigInt(start) as Lsn,
  endLsn: BigInt(end) as Lsn,
});

describe("timelineSpans", () => {
  it("goes from the oldest timeline to the present one", () => {
    expect(line).toEqual([
      { timeline: 1, beginLsn: 0n, endLsn: 100n },
      { timeline: 3, beginLsn: 100n, endLsn: 250n },
      { timeline: 4, beginLsn: 250n, endLsn: null },
    ]);
    expect(timelineSpans([], 1)).toEqual([{ timeline: 1, beginLsn: 0n, endLsn: null }]);
  });
});

describe("spansBetween", () => {
  it("cuts the first and the last piece where they begin and end", () => {
    expect(spansBetween(line, { timeline: 1, lsn: 40n }, { timeline: 4, lsn: 300n })).toEqual([
      { timeline: 1, beginLsn: 40n, endLsn: 100n },
      { timeline: 3, beginLsn: 100n, endLsn: 250n },
      { timeline: 4, beginLsn: 250n, endLsn: 300n },
    ]);
    expect(spansBetween(line, { timeline: 3, lsn: 120n }, { timeline: 3, lsn: 130n })).toEqual([
      { timeline: 3, beginLsn: 120n, endLsn: 130n },
    ]);
  });

  it.each([
    ["a timeline that is not on the way", { timeline: 2, lsn: 50n }, { timeline: 4, lsn: 300n }],
    ["an end that is not on the way", { timeline: 1, lsn: 50n }, { timeline: 5, lsn: 300n }],
    ["the wrong order of timelines", { timeline: 4, lsn: 300n }, { timeline: 1, lsn: 50n }],
    ["the wrong order on one timeline", { timeline: 3, lsn: 200n }, { timeline: 3, lsn: 150n }],
    ["a start behind the timeline's end", { timeline: 1, lsn: 101n }, { timeline: 4, lsn: 300n }],
  ])("is null for %s", (_, from, to) => {
    expect(spansBetween(line, from, to)).toBeNull();
  });
});

describe("firstUnsummarized", () => {
  const span = { timeline: 1, beginLsn: 20n, endLsn: 90n };
  it.each([
    ["one that covers all", [summary(1, 10, 100)], null],
    ["several that follow each other, in any order", [summary(1, 50, 90), summary(1, 20, 50)], null],
    ["none", [], 20n],
    ["those of another timeline only", [summary(2, 10, 100)], 20n],
    ["a late beginning", [summary(1, 30, 90)], 20n],
    ["a hole", [summary(1, 20, 40), summary(1, 50, 90)], 40n],
    ["an early end", [summary(1, 20, 40), summary(1, 40, 89)], 89n],
    ["one that only touches", [summary(1, 10, 20), summary(1, 90, 100)], 20n],
  ])("with %s", (_, summaries, missing) => {
    expect(firstUnsummarized(summaries, span)).toBe(missing);
  });

  it("sees holes only, where the piece goes on", () => {
    const open = { ...span, endLsn: null };
    expect(firstUnsummarized([], open)).toBeNull();
    expect(firstUnsummarized([summary(1, 10, 40)], open)).toBeNull();
    expect(firstUnsummarized([summary(1, 10, 40), summary(1, 41, 60)], open)).toBe(40n);
    expect(firstUnsummarized([summary(1, 30, 40)], open)).toBe(20n);
  });
});

describe("summariesOf", () => {
  // One more than the server reads would give limits the server does not know of, and zeros where there is data.
  it("takes those that share WAL with a piece, and none that only touch it, as the server does", () => {
    const all = [summary(1, 10, 20), summary(1, 10, 21), summary(1, 89, 95), summary(1, 90, 99), summary(3, 20, 30)];
    expect(summariesOf(all, { timeline: 1, beginLsn: 20n, endLsn: 90n })).toEqual([all[1], all[2]]);
  });
});

describe("isWithinSummary", () => {
  it.each([
    ["the WAL on both sides is in one", [summary(1, 10, 60)], true],
    ["one begins there", [summary(1, 10, 40), summary(1, 40, 60)], false],
    ["it is another timeline's", [summary(3, 10, 60)], false],
  ])("where %s", (_, summaries, answer) => {
    expect(isWithinSummary(summaries, { timeline: 1, lsn: 40n })).toBe(answer);
  });
});
