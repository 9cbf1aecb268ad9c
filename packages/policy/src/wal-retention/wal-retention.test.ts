import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { reachablePlaces } from "../recovery/brute-force.fixture.ts";
import { chooseForTarget } from "../recovery/choose-for-target.ts";
import { firstMs, type HistoryTimeline, randomHistory } from "../recovery/random-history.fixture.ts";
import type { RecoveryInput, WindowBackup, WindowSegment } from "../recovery/recovery-types.ts";
import { walRetention } from "./wal-retention.ts";
import type { WalRetentionInput, WalRetentionPlan } from "./wal-retention-types.ts";

const numRuns = Number(process.env.TIDEMARK_PROPERTY_RUNS ?? 200);
const dayMs = 86_400_000;

describe("walRetention", () => {
  it("never takes what a kept backup, or any promised instant on any timeline, needs", () => {
    const policy = fc.record({
      windowMs: fc.option(fc.nat(60)),
      nowMs: fc.nat(120),
      kept: fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }),
      times: fc.array(fc.nat(130), { minLength: 1, maxLength: 8 }),
    });
    fc.assert(
      fc.property(randomHistory, policy, (history, { windowMs, nowMs, kept, times }) => {
        const before: RecoveryInput = { ...history.input, backups: history.input.backups.filter((_, at) => kept[at]) };
        const now = new Date(firstMs + nowMs);
        const plan = walRetention({ ...before, windowDays: windowMs === null ? null : windowMs / dayMs, now });
        const after = carryOut(before, plan);
        const promisedMs = windowMs === null ? Number.NEGATIVE_INFINITY : now.getTime() - windowMs;
        for (const timeline of history.timelines) {
          const placesAfter = reachablePlaces(history, after, timeline);
          const stops = before.backups
            .filter((each) => each.timeline === timeline.timeline)
            .map((each) => each.stopLsn);
          for (const lsn of reachablePlaces(history, before, timeline)) {
            if (!isPromised(timeline, lsn, promisedMs) && !stops.includes(lsn)) continue;
            expect(placesAfter, `timeline ${timeline.timeline}`).toContain(lsn);
          }
          for (const offset of times.filter((time) => firstMs + time >= promisedMs)) {
            const at = new Date(firstMs + offset);
            const target = { kind: "time", at, inclusive: true } as const;
            const request = { target, timeline: timeline.timeline, action: "pause", asStandby: false } as const;
            const choice = chooseForTarget(before, request);
            // Without older WAL only our clock says until when a backup's commits reach.
            const byClock = before.backups.some(
              (each) => choice.reachable && each.backupId === choice.backupId && each.stoppedAt < at,
            );
            if (byClock) expect(chooseForTarget(after, request)).toMatchObject({ reachable: true });
          }
        }
      }),
      { numRuns },
    );
  });

  it("puts every segment into exactly one range, with a reason", () => {
    fc.assert(
      fc.property(randomHistory, fc.nat(60), (history, windowMs) => {
        const plan = walRetention({ ...history.input, windowDays: windowMs / dayMs, now: new Date(firstMs + 100) });
        const ranges = [...plan.kept, ...plan.removed];
        expect(ranges.reduce((count, range) => count + range.segmentCount, 0)).toBe(history.input.segments.length);
        for (const segment of history.input.segments) {
          const holding = ranges.filter(
            (range) =>
              range.timeline === segment.timeline &&
              range.fromLsn <= segment.startLsn &&
              segment.startLsn < range.toLsn,
          );
          expect(holding.map(({ sentence }) => sentence.length > 0)).toEqual([true]);
        }
      }),
      { numRuns },
    );
  });

  it.each<[string, string[], number | null, string, string]>([
    [
      "keeps from the window's base on",
      ["a@0-8", "b@100-110"],
      100,
      "0-16 backup, 96-320 window",
      "16-96 beyond-window",
    ],
    [
      "keeps all behind the oldest backup without a rule",
      ["b@100-110"],
      null,
      "96-320 no-rule",
      "0-96 before-oldest-backup",
    ],
    [
      "keeps only [start, stop] of an older backup",
      ["a@20-40", "b@100-110"],
      100,
      "16-48 backup, 96-320 window",
      "0-16 before-oldest-backup, 48-96 beyond-window",
    ],
    [
      "needs nothing of the archive for a backup that holds its WAL",
      ["a@20-40+", "b@100-110"],
      100,
      "96-320 window",
      "0-32 before-oldest-backup, 32-96 beyond-window",
    ],
    ["keeps everything before the first backup", [], 100, "0-320 no-backup-yet", ""],
    [
      "keeps from the oldest backup when none is as old as the window",
      ["b@100-110"],
      310,
      "96-320 window",
      "0-96 before-oldest-backup",
    ],
  ])("%s", (_, backups, windowMs, kept, removed) => {
    const plan = planOf(backups.map(backup), windowMs, {});
    expect([text(plan.kept), text(plan.removed)]).toEqual([kept, removed]);
  });

  it("keeps [start, stop] of a damaged backup that stays, but begins the window with a sound one", () => {
    const plan = planOf([backup("a@20-40")], 100, { damagedBackups: [backup("b@100-110")] });
    expect(text(plan.removed)).toBe("0-16 before-oldest-backup");
  });

  it("lets a timeline go that was left before the window, with its history, files and partial", () => {
    const timelines = [
      { systemIdentifier: 1n, timeline: 2, parent: 1, switchLsn: 40n },
      { systemIdentifier: 1n, timeline: 3, parent: 1, switchLsn: 100n },
    ];
    const left = [2, 3].map((number) => ({ ...segment(number), timeline: 2 }));
    const partials = [{ systemIdentifier: 1n, timeline: 2, startLsn: 64n, endLsn: 70n, facts: null }];
    const files = [1, 2].map((timeline) => ({
      systemIdentifier: 1n,
      timeline,
      name: `file-${timeline}`,
      startLsn: 48n,
    }));
    const live = Array.from({ length: 14 }, (_, index) => ({ ...segment(index + 6), timeline: 3 }));
    const plan = planOf([backup("a@20-40"), { ...backup("b@110-116"), timeline: 3 }], 100, {
      segments: [...Array.from({ length: 7 }, (_, index) => segment(index)), ...left, ...live],
      partials: partials.map((partial) => ({ ...partial, facts: segment(4).facts })),
      timelines,
      files,
    });
    expect(plan.removed.filter(({ timeline }) => timeline === 2).map(({ code }) => code)).toEqual(["timeline-left"]);
    expect(plan.removeHistories).toEqual([{ systemIdentifier: 1n, timeline: 2 }]);
    expect(plan.removePartials.map(({ timeline }) => timeline)).toEqual([2]);
    expect(plan.removeFiles.map(({ name }) => name)).toEqual(["file-1", "file-2"]);
  });

  it("lets a partial go once its segment is there whole", () => {
    const partial = { systemIdentifier: 1n, timeline: 1, startLsn: 112n, endLsn: 120n, facts: null };
    expect(planOf([backup("b@100-110")], 100, { partials: [partial] }).removePartials).toEqual([partial]);
  });

  it("keeps what there is of a segment in which a kept backup begins further on", () => {
    const partial = { systemIdentifier: 1n, timeline: 1, startLsn: 112n, endLsn: 118n, facts: null };
    const segments = Array.from({ length: 7 }, (_, index) => segment(index));
    const plan = planOf([backup("b@120-126")], 100, { segments, partials: [partial] });
    expect(plan.removePartials).toEqual([]);
  });

  it("plans for 200,000 segments and 300 backups", () => {
    const backups = Array.from({ length: 300 }, (_, index) => backup(`b@${index * 10_000}-${index * 10_000 + 10}`));
    const segments = Array.from({ length: 200_000 }, (_, index) => segment(index));
    const plan = planOf(backups, 3_200_000, { segments, now: new Date(3_200_000 + 2_990_000) });
    expect(plan.removeSegments.length).toBeGreaterThan(180_000);
    expect(plan.kept.filter(({ code }) => code === "backup")).toHaveLength(298);
  });
});

function carryOut(input: RecoveryInput, plan: WalRetentionPlan): RecoveryInput {
  const segments = new Set(plan.removeSegments);
  const partials = new Set(plan.removePartials);
  return {
    ...input,
    segments: input.segments.filter((each) => !segments.has(each)),
    partials: input.partials.filter((each) => !partials.has(each)),
  };
}

/** Something was committed there since the window began. */
function isPromised({ records }: HistoryTimeline, lsn: bigint, promisedMs: number): boolean {
  return records.some(({ commit, endLsn }) => commit !== null && endLsn <= lsn && commit.at.getTime() >= promisedMs);
}

/** Twenty segments of 16 bytes on timeline 1, now being 330 milliseconds after the first; windows in milliseconds. */
function planOf(backups: WindowBackup[], windowMs: number | null, more: Partial<WalRetentionInput>): WalRetentionPlan {
  return walRetention({
    backups,
    windowDays: windowMs === null ? null : windowMs / dayMs,
    segments: Array.from({ length: 20 }, (_, index) => segment(index)),
    partials: [],
    timelines: [],
    now: new Date(330),
    ...more,
  });
}

function text(ranges: readonly { readonly fromLsn: bigint; readonly toLsn: bigint; readonly code: string }[]): string {
  return ranges.map(({ fromLsn, toLsn, code }) => `${fromLsn}-${toLsn} ${code}`).join(", ");
}

function backup(name: string): WindowBackup {
  const [, start = "", stop = "", plus] = /@(\d+)-(\d+)(\+?)/.exec(name) ?? [];
  const place = { timeline: 1, startLsn: BigInt(start), stopLsn: BigInt(stop) };
  const includedWal = plus === "+" ? { timeline: 1, startLsn: place.startLsn, endLsn: place.stopLsn } : null;
  return { backupId: name, systemIdentifier: 1n, ...place, stoppedAt: new Date(Number(stop)), includedWal };
}

function segment(number: number): WindowSegment {
  const start = number * 16;
  const commit = { at: new Date(start + 5), lsn: BigInt(start + 5), xid: start };
  const facts = { firstCommit: commit, lastCommit: commit, restorePoints: [], lastRecordEnd: BigInt(start + 12) };
  return { systemIdentifier: 1n, timeline: 1, startLsn: BigInt(start), sizeBytes: 16, facts };
}
