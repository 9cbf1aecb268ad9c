import { describe, expect, it } from "vitest";
import { type RpoFacts, rpo } from "./rpo.ts";

const now = new Date("2026-03-15T12:00:00Z");
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1000);
const behind: RpoFacts = {
  serverLsn: 200n,
  flushedLsn: 150n,
  oldestUnflushedCommitAt: null,
  lastFlushedCommit: { at: ago(3_600), lsn: 140n, xid: 700 },
  lastCaughtUpAt: ago(60),
  now,
};

describe("rpo", () => {
  it.each<[string, Partial<RpoFacts>, unknown]>([
    [
      "is zero when everything is durable, however idle",
      { flushedLsn: 200n, lastCaughtUpAt: ago(86_400) },
      { kind: "zero" },
    ],
    ["is zero when we are ahead of an older look at the server", { flushedLsn: 220n }, { kind: "zero" }],
    [
      "is at most as old as the server's silence, though everything it told of is durable",
      { flushedLsn: 200n, lastCaughtUpAt: ago(400), untoldSince: ago(300) },
      { kind: "behind", ageMs: 300_000, bytes: null, certainty: "at-most" },
    ],
    [
      "is the age of the oldest commit that is not durable",
      { oldestUnflushedCommitAt: ago(7) },
      { kind: "behind", ageMs: 7_000, bytes: 50n, certainty: "exact" },
    ],
    [
      "is at most the time since we had everything",
      {},
      { kind: "behind", ageMs: 60_000, bytes: 50n, certainty: "at-most" },
    ],
    [
      "is at most the age of the last durable commit when that is nearer",
      { lastCaughtUpAt: null },
      { kind: "behind", ageMs: 3_600_000, bytes: 50n, certainty: "at-most" },
    ],
    [
      "is never negative when the server's clock is ahead",
      { oldestUnflushedCommitAt: ago(-5) },
      { kind: "behind", ageMs: 0, bytes: 50n, certainty: "exact" },
    ],
    [
      "is unknown when nothing is durable",
      { flushedLsn: null },
      { kind: "unknown", reason: "no WAL of it is durable yet" },
    ],
    [
      "is unknown without the server's position",
      { serverLsn: null },
      { kind: "unknown", reason: "the server's position is not known" },
    ],
    [
      "is unknown when nothing tells the age",
      { lastCaughtUpAt: null, lastFlushedCommit: null },
      { kind: "unknown", reason: "no commit was seen yet" },
    ],
  ])("%s", (_, change, expected) => {
    expect(rpo({ ...behind, ...change })).toEqual(expected);
  });
});
