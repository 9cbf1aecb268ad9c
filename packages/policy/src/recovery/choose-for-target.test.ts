import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reachablePlaces, replay } from "./brute-force.fixture.ts";
import { chooseForTarget } from "./choose-for-target.ts";
import { indexLifetimes } from "./lifetime-wal.ts";
import { basesOf } from "./path-bases.ts";
import { firstMs, type History, type HistoryTimeline, randomHistory } from "./random-history.fixture.ts";
import { pathTo } from "./recovery-path.ts";
import type { RecoveryInput } from "./recovery-types.ts";
import { stretchesOf } from "./recovery-window.ts";
import type { RecoveryTarget, TargetChoice, TargetRequest } from "./target-types.ts";

const numRuns = Number(process.env.TIDEMARK_PROPERTY_RUNS ?? 200);

function ask(history: History, timeline: number, target: RecoveryTarget, more: Partial<TargetRequest> = {}) {
  return chooseForTarget(history.input, { target, timeline, action: "promote", asStandby: false, ...more });
}

/** The window's, also of a timeline that it does not list because nothing of it came: one can be asked to recover to its fork. */
function stretchesOn(history: History, timeline: number) {
  const [lifetime] = indexLifetimes(history.input);
  if (lifetime === undefined) return [];
  const path = pathTo(lifetime, timeline);
  return stretchesOf(path, basesOf(lifetime, path), null);
}

/** Where PostgreSQL would stop with what was chosen; the test fails where it would end with an error. */
function stopOf(history: History, choice: TargetChoice): bigint | null {
  if (!choice.reachable) return null;
  const replayed = replay(history, choice);
  // Then PostgreSQL may end with an error, but never elsewhere than asked.
  if (replayed === null && history.hasUnread) return null;
  expect(replayed, `PostgreSQL reaches what was called reachable: ${describeChoice(choice)}`).not.toBeNull();
  return replayed?.stoppedAt ?? null;
}

function describeChoice(choice: TargetChoice): string {
  return JSON.stringify(choice, (_, value) => (typeof value === "bigint" ? Number(value) : value));
}

function commitsUntil({ records }: HistoryTimeline, lsn: bigint): number[] {
  return records.filter(({ commit, endLsn }) => commit !== null && endLsn <= lsn).map(({ commit }) => commit?.xid ?? 0);
}

describe("chooseForTarget, replayed record by record", () => {
  it("reaches a time with exactly what was committed until then, wherever the window says so", () => {
    const target = fc.record({ offset: fc.nat(130), inclusive: fc.boolean() });
    fc.assert(
      fc.property(randomHistory, fc.array(target, { minLength: 1, maxLength: 12 }), (history, targets) => {
        for (const timeline of history.timelines) {
          const stretches = stretchesOn(history, timeline.timeline);
          for (const { offset, inclusive } of targets) {
            const at = new Date(firstMs + offset);
            const stop = stopOf(history, ask(history, timeline.timeline, { kind: "time", at, inclusive }));
            const shown = stretches.some(
              ({ from, to }) => from.at !== null && to.at !== null && from.at <= at && at <= to.at,
            );
            if (shown && !history.hasUnread) expect(stop).not.toBeNull();
            if (stop === null) continue;
            // What was committed in the last millisecond we have may be cut in the midst of it.
            const last = stretches.findLast(({ from }) => from.lsn <= stop)?.to.lsn ?? 0n;
            const durable = timeline.records.filter(({ endLsn }) => endLsn <= last);
            const wanted = durable.filter(
              ({ commit }) => commit !== null && (inclusive ? commit.at <= at : commit.at < at),
            );
            expect(commitsUntil(timeline, stop), at.toISOString()).toEqual(wanted.map(({ commit }) => commit?.xid));
          }
        }
      }),
      { numRuns },
    );
  });

  it("reaches every LSN between two records that asking byte by byte finds, and no other", () => {
    fc.assert(
      fc.property(randomHistory, fc.boolean(), (history, inclusive) => {
        for (const timeline of history.timelines) {
          const places = reachablePlaces(history, history.input, timeline);
          for (const { endLsn: lsn } of timeline.records) {
            const choice = ask(history, timeline.timeline, { kind: "lsn", lsn, inclusive });
            expect({ lsn, reachable: choice.reachable }).toEqual({ lsn, reachable: places.has(lsn) });
            const stop = stopOf(history, choice);
            const next = timeline.records.find(({ startLsn }) => startLsn === lsn)?.endLsn;
            const takesNext = choice.reachable && choice.recoverAs.kind === "lsn" && choice.recoverAs.inclusive;
            if (stop !== null) expect(stop).toBe(takesNext ? next : lsn);
          }
        }
      }),
      { numRuns },
    );
  });

  it("reaches a located transaction, with it or without", () => {
    fc.assert(
      fc.property(randomHistory, fc.boolean(), (history, inclusive) => {
        for (const timeline of history.timelines) {
          const stretches = stretchesOn(history, timeline.timeline);
          for (const { commit, startLsn, endLsn } of timeline.records) {
            if (commit === null) continue;
            const owner = history.timelines.find(({ records }) => records.some((each) => each.commit === commit));
            const located = { timeline: owner?.timeline ?? 0, lsn: endLsn, at: commit.at };
            const choice = ask(history, timeline.timeline, { kind: "xid", xid: commit.xid, inclusive }, { located });
            const stop = stopOf(history, choice);
            if (stop !== null) expect(stop).toBe(inclusive ? endLsn : startLsn);
            if (stretches.some(({ from, to }) => from.lsn < endLsn && endLsn <= to.lsn) && !history.hasUnread) {
              expect(stop).not.toBeNull();
            }
          }
        }
      }),
      { numRuns },
    );
  });

  it("reaches a restore point, says when its name is used twice, and goes to the one that is chosen", () => {
    fc.assert(
      fc.property(randomHistory, (history) => {
        for (const timeline of history.timelines) {
          for (const name of ["point-0", "point-1", "point-2"]) {
            const choice = ask(history, timeline.timeline, { kind: "name", name });
            const stop = stopOf(history, choice);
            const own = timeline.records.filter(({ restorePoint }) => restorePoint === name);
            if (stop !== null) expect(own.map(({ endLsn }) => endLsn)).toContain(stop);
            if (choice.reachable || choice.code !== "target-ambiguous") continue;
            for (const located of choice.candidates) {
              expect(stopOf(history, ask(history, timeline.timeline, { kind: "name", name }, { located }))).toBe(
                located.lsn,
              );
            }
          }
        }
      }),
      { numRuns },
    );
  });

  it("reaches the end of the newest backup and the end of its WAL", () => {
    fc.assert(
      fc.property(randomHistory, (history) => {
        for (const timeline of history.timelines) {
          const places = [...reachablePlaces(history, history.input, timeline)];
          const last = places.reduce((left, right) => (left > right ? left : right), -1n);
          const latest = stopOf(history, ask(history, timeline.timeline, { kind: "latest" }));
          // At a fork in a segment that nobody read PostgreSQL is told to stop there, and may find the record behind it cut.
          if (latest !== null || !history.hasUnread) expect(latest ?? -1n).toBe(last);
          const immediate = stopOf(history, ask(history, timeline.timeline, { kind: "immediate" }));
          if (immediate !== null) expect(history.input.backups.map(({ stopLsn }) => stopLsn)).toContain(immediate);
        }
      }),
      { numRuns },
    );
  });
});

describe("chooseForTarget, of the last commit known before WAL that nobody read", () => {
  it("asks for its time, not its transaction, since others of that time may follow", () => {
    const at = new Date("2026-03-01T02:00:00.250Z");
    const place = { systemIdentifier: 7n, timeline: 1, sizeBytes: 16 };
    const commit = { at, lsn: 12n, xid: 700 };
    const facts = { firstCommit: commit, lastCommit: commit, restorePoints: [], lastRecordEnd: 12n };
    const choose = (segments: RecoveryInput["segments"]) => {
      const stoppedAt = new Date("2026-03-01T01:00:00Z");
      const backup = { ...place, backupId: "bak_1", startLsn: 0n, stopLsn: 4n, stoppedAt, includedWal: null };
      const input = { backups: [backup], segments, partials: [], timelines: [], knownGaps: [] };
      const target = { kind: "time", at, inclusive: true } as const;
      return chooseForTarget(input, { target, timeline: 1, action: "promote", asStandby: false });
    };
    const read = { ...place, startLsn: 0n, facts };
    expect(choose([read])).toMatchObject({ recoverAs: { kind: "xid", xid: 700 } });
    expect(choose([read, { ...place, startLsn: 16n, facts: null }])).toMatchObject({
      reachable: true,
      recoverAs: { kind: "time", at },
      through: { lsn: 32n },
    });
  });
});

describe("chooseForTarget, of a backup that no commit follows", () => {
  it("says that its end can be restored but no time leads there", () => {
    const stoppedAt = new Date("2026-03-01T02:00:00.250Z");
    const includedWal = { timeline: 1, startLsn: 0x2000028n, endLsn: 0x2000120n };
    const backup = { backupId: "bak_1", systemIdentifier: 7n, stopLsn: 0x2000120n, stoppedAt, includedWal };
    const input = {
      backups: [{ ...backup, timeline: 1, startLsn: 0x2000028n }],
      segments: [],
      partials: [],
      timelines: [],
      knownGaps: [],
      windowDays: null,
    };
    const target = { kind: "time", at: stoppedAt, inclusive: true } as const;
    const choice = chooseForTarget(input, { target, timeline: 1, action: "promote", asStandby: false });
    expect(choice).toMatchObject({
      reachable: false,
      sentence:
        "a backup ends at 2026-03-01 02:00:00.250 UTC and no commit after it is here, so that only this end can be restored",
      lastReachable: { lsn: 0x2000120n, at: stoppedAt },
    });
  });
});
