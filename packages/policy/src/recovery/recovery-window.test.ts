import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reachablePlaces } from "./brute-force.fixture.ts";
import { randomHistory } from "./random-history.fixture.ts";
import type { RecoveryInput, WindowBackup, WindowSegment } from "./recovery-types.ts";
import { recoveryWindow } from "./recovery-window.ts";

const runs = Number(process.env.TIDEMARK_PROPERTY_RUNS ?? 300);

describe("recoveryWindow", () => {
  it("says of every place of every history what asking byte by byte says", () => {
    fc.assert(
      fc.property(randomHistory, (history) => {
        const [lifetime] = recoveryWindow(history.input).lifetimes;
        for (const timeline of history.timelines) {
          const listed = lifetime?.timelines.find((each) => each.timeline === timeline.timeline);
          // One of which nothing came is not listed: what is reachable on it is so on its parent, up to the fork.
          const window = listed ?? lifetime?.timelines.find((each) => each.timeline === timeline.parent);
          const places = reachablePlaces(history, history.input, timeline);
          for (const { endLsn } of timeline.records) {
            const isInWindow = listed !== undefined || endLsn <= timeline.switchLsn;
            const isInStretch =
              isInWindow && window?.stretches.some(({ from, to }) => from.lsn <= endLsn && endLsn <= to.lsn) === true;
            expect({ timeline: timeline.timeline, endLsn, reachable: isInStretch }).toEqual({
              timeline: timeline.timeline,
              endLsn,
              reachable: places.has(endLsn),
            });
          }
        }
      }),
      { numRuns: runs },
    );
  });

  it("names the cause of a gap and the nearest instants on both sides", () => {
    const [lifetime] = recoveryWindow({
      ...input(["a@0-8", "b@200-210"], [0, 1, 2, 12, 13, 14]),
      knownGaps: [{ systemIdentifier: 1n, timeline: 1, fromLsn: 48n, toLsn: 100n, cause: "the slot was dropped" }],
    }).lifetimes;
    expect(lifetime?.timelines[0]?.gaps).toEqual([
      {
        timeline: 1,
        fromLsn: 48n,
        toLsn: 192n,
        cause: "the slot was dropped",
        before: { timeline: 1, lsn: 44n, at: new Date(44) },
        after: { timeline: 1, lsn: 210n, at: new Date(205) },
      },
    ]);
  });

  it("shows WAL that no backup comes before as leading nowhere", () => {
    const [lifetime] = recoveryWindow(input(["b@200-210"], [1, 2, 3, 12, 13])).lifetimes;
    expect(lifetime?.timelines[0]?.withoutBase.map(({ fromLsn, toLsn }) => [fromLsn, toLsn])).toEqual([[16n, 64n]]);
    expect(lifetime?.timelines[0]?.stretches.map(({ from, to }) => [from.lsn, to.lsn])).toEqual([[210n, 220n]]);
  });

  it("takes a backup that holds its own WAL as an instant by itself", () => {
    const window = recoveryWindow(input(["a@0-8+", "b@40-44+"], []));
    expect(window.lifetimes[0]?.timelines[0]).toMatchObject({
      stretches: [
        { from: { lsn: 8n }, to: { lsn: 8n, at: null }, backupIds: ["a@0-8+"] },
        { from: { lsn: 44n }, to: { lsn: 44n, at: null }, backupIds: ["b@40-44+"] },
      ],
      gaps: [{ fromLsn: 8n, toLsn: 40n, before: { lsn: 8n }, after: { lsn: 44n } }],
    });
    expect(window.lifetimes[0]?.liveEdge).toBeNull();
  });

  it("keeps what was seen to be lost behind the last segment as a gap without an end yet", () => {
    const [lifetime] = recoveryWindow({
      ...input(["a@0-8"], [0, 1]),
      knownGaps: [{ systemIdentifier: 1n, timeline: 1, fromLsn: 20n, toLsn: 90n, cause: "the slot was lost" }],
    }).lifetimes;
    expect(lifetime?.timelines[0]?.gaps).toMatchObject([
      { fromLsn: 32n, toLsn: 90n, cause: "the slot was lost", after: null },
    ]);
  });

  it("forgets a known gap once its WAL came another way", () => {
    const [lifetime] = recoveryWindow({
      ...input(["a@0-8"], [0, 1, 2]),
      knownGaps: [{ systemIdentifier: 1n, timeline: 1, fromLsn: 16n, toLsn: 40n, cause: "the slot was lost" }],
    }).lifetimes;
    expect(lifetime?.timelines[0]?.gaps).toEqual([]);
  });

  it("says when a stretch's oldest part goes by retention", () => {
    const [lifetime] = recoveryWindow({ ...input(["a@0-8", "b@20-24"], [0, 1, 2]), windowDays: 7 }).lifetimes;
    expect(lifetime?.timelines[0]?.stretches[0]?.expiresAt).toEqual(new Date(24 + 7 * 86_400_000));
  });

  it("does not list a history from elsewhere, nor lets it move the live edge", () => {
    const [lifetime] = recoveryWindow({
      ...input(["a@0-8"], [0, 1, 2]),
      timelines: [{ systemIdentifier: 1n, timeline: 9, parent: 1, switchLsn: 24n }],
    }).lifetimes;
    expect(lifetime?.timelines.map(({ timeline }) => timeline)).toEqual([1]);
    expect(lifetime?.liveEdge).toMatchObject({
      timeline: 1,
      durableLsn: 48n,
      lastCommit: { lsn: 44n },
      reachable: true,
    });
  });

  it("keeps lifetimes apart though their places have the same names, the newest first", () => {
    const old = input(["a@0-8"], [0, 1]);
    const young = input(["b@0-8"], [0, 1, 2]);
    const later = young.backups.map((backup) => ({ ...backup, systemIdentifier: 2n, stoppedAt: new Date(9e9) }));
    const window = recoveryWindow({
      ...old,
      backups: [...old.backups, ...later],
      segments: [...old.segments, ...young.segments.map((segment) => ({ ...segment, systemIdentifier: 2n }))],
    });
    expect(window.lifetimes.map((each) => [each.systemIdentifier, each.liveEdge?.durableLsn])).toEqual([
      [2n, 48n],
      [1n, 32n],
    ]);
  });

  it("promises no time before a backup's end where of the segment in the making only the last commit is known", () => {
    const lastCommit = { at: new Date(45), lsn: 45n, xid: 45 };
    const facts = { firstCommit: null, lastCommit, restorePoints: [], lastRecordEnd: 45n };
    const partial = { systemIdentifier: 1n, timeline: 1, startLsn: 32n, endLsn: 46n, facts };
    const window = recoveryWindow({ ...input(["b@20-40"], [0, 1]), partials: [partial] });
    // A commit at 37 may be in it.
    expect(window.lifetimes[0]?.timelines[0]?.stretches).toMatchObject([
      { from: { lsn: 40n, at: new Date(41) }, to: { lsn: 45n, at: new Date(45) } },
    ]);
  });

  it("computes 200,000 segments with a backup for each thousand", () => {
    const backups = Array.from({ length: 200 }, (_, index) => `b@${index * 16_000}-${index * 16_000 + 10}`);
    const window = recoveryWindow(input(backups, [...Array(200_000).keys()]));
    expect(window.lifetimes[0]?.timelines[0]?.stretches).toMatchObject([
      { from: { lsn: 10n }, to: { lsn: 3_199_996n } },
    ]);
  });
});

/** Backups as `name@start-stop`, with `+` those that hold their WAL; segments of 16 bytes by number, each with commits 5 and 12 bytes in. */
function input(backups: readonly string[], segments: readonly number[]): RecoveryInput {
  return {
    backups: backups.map(backup),
    segments: segments.map(segment),
    partials: [],
    timelines: [],
    knownGaps: [],
  };
}

function backup(text: string): WindowBackup {
  const [, start = "", stop = "", plus] = /@(\d+)-(\d+)(\+?)/.exec(text) ?? [];
  const place = { timeline: 1, startLsn: BigInt(start), stopLsn: BigInt(stop) };
  const includedWal = plus === "+" ? { timeline: 1, startLsn: place.startLsn, endLsn: place.stopLsn } : null;
  return { backupId: text, systemIdentifier: 1n, ...place, stoppedAt: new Date(Number(stop)), includedWal };
}

/** A commit's time is its place, in milliseconds. */
function segment(number: number): WindowSegment {
  const start = number * 16;
  const commit = (offset: number) => ({
    at: new Date(start + offset),
    lsn: BigInt(start + offset),
    xid: start + offset,
  });
  const facts = {
    firstCommit: commit(5),
    lastCommit: commit(12),
    restorePoints: [],
    lastRecordEnd: BigInt(start + 12),
  };
  return { systemIdentifier: 1n, timeline: 1, startLsn: BigInt(start), sizeBytes: 16, facts };
}
