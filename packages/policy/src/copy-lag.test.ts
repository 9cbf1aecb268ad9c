import { describe, expect, it } from "vitest";
import { type CopyCandidate, copyLag } from "./copy-lag.ts";

const hour = 3_600_000;
const at = (hours: number): Date => new Date(Date.UTC(2026, 2, 1) + hours * hour);

/** `c` copied, `-` not, `x` damaged and not copied, `d` deleted there; one an hour. */
const backups = (letters: string): CopyCandidate[] =>
  [...letters].map((letter, index) => ({
    backupId: `bak_${index}`,
    stoppedAt: at(index),
    usable: letter !== "x",
    copied: letter === "c",
    dropped: letter === "d",
  }));

describe("how far the second repository is behind", () => {
  it.each([
    ["", 9, null, false, 0, "nothing to copy"],
    ["ccc", 9, null, false, 0, "all is there"],
    ["cc-", 3, 2, false, 1, "an hour is allowed"],
    ["cc-", 4, 2, true, 1, "two hours are not"],
    ["c--", 4, 1, true, 2, "counted from the oldest of the newer ones"],
    ["-c", 9, null, false, 1, "the newest is there: history is missing, not the state"],
    ["--", 9, 0, true, 2, "nothing is there"],
    ["cxx", 9, null, false, 0, "damaged ones are not missed"],
    ["dcc", 9, null, false, 0, "nor are those deleted there"],
    ["cd", 9, null, false, 0, "not even as the newest"],
  ] as const)("%s at hour %i: behind since %s, late: %s", (letters, now, since, late, missing, _why) => {
    const lag = copyLag([...backups(letters)].reverse(), at(now), 1.5 * hour);
    expect(lag.behindSince).toEqual(since === null ? null : at(since));
    expect(lag.late).toBe(late);
    expect(lag.missing.length).toBe(missing);
  });

  it("says it in a sentence", () => {
    expect(copyLag(backups("c--"), at(9), hour).sentence).toBe(
      "the second repository lacks 2 backups since 2026-03-01 01:00 UTC, its newest is of 2026-03-01 00:00 UTC",
    );
    expect(copyLag(backups("-"), at(9), hour).sentence).toContain("and has none");
    expect(copyLag(backups("-c"), at(9), hour).sentence).toContain("lacks 1 backup before it");
  });
});
