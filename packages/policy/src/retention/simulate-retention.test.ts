import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRetention } from "./plan-retention.ts";
import { keepEverything, type RetentionCandidate } from "./retention-types.ts";
import { keptAt, type SimulationRequest, simulateRetention } from "./simulate-retention.ts";

const from = new Date("2026-03-01T00:00:00Z");
const day = 86_400_000;
const inDays = (days: number) => new Date(from.getTime() + days * day);

function usable(backupId: string, daysAgo: number): RetentionCandidate {
  const at = inDays(-daysAgo);
  return { backupId, state: "usable", startedAt: at, stoppedAt: at, proven: false };
}

const request: SimulationRequest = {
  backups: [usable("old", 3), usable("new", 1)],
  policy: { ...keepEverything, daily: 3, weekly: 2, monthly: 2 },
  holds: [],
  schedules: [{ cron: "0 2 * * *", timeZone: "UTC" }],
  from,
  to: inDays(90),
  copyMs: 60_000,
};

describe("simulateRetention", () => {
  it("foretells the schedule's backups and what the policy leaves of them", () => {
    const simulation = simulateRetention(request);
    expect(simulation.backups.filter(({ predicted }) => predicted)).toHaveLength(90);
    const end = keptAt(simulation, simulation.to).map(({ backup, codes }) => [
      backup.stoppedAt?.toISOString().slice(0, 10),
      codes.join(),
    ]);
    // The 90th day is 2026-05-30, a Saturday.
    expect(end).toEqual([
      ["2026-04-30", "monthly"],
      ["2026-05-24", "weekly"],
      ["2026-05-27", "daily"],
      ["2026-05-28", "daily"],
      ["2026-05-29", "newest-usable,daily,weekly,monthly,minimum"],
    ]);
  });

  it("says when and why each goes", () => {
    const { backups } = simulateRetention(request);
    const old = backups.find(({ backupId }) => backupId === "old");
    expect(old?.deletedAt).not.toBeNull();
    expect(old?.deletedReasons.map(({ code }) => code)).toEqual(["beyond-rules"]);
    expect(old?.spans[0]?.from).toEqual(from);
  });

  it("changes nothing where no rule is set and no schedule rings", () => {
    const simulation = simulateRetention({ ...request, policy: keepEverything, schedules: [] });
    expect(keptAt(simulation, simulation.to).map(({ backup }) => backup.backupId)).toEqual(["old", "new"]);
    expect(simulation.plan.plannedAt).toEqual(request.to);
  });

  it("stops early where a schedule would give more than ten thousand backups", () => {
    const minutely = {
      ...request,
      schedules: [{ cron: "* * * * *", timeZone: "UTC" }],
      policy: { ...keepEverything, keepLast: 2 },
    };
    const simulation = simulateRetention(minutely);
    expect(simulation.to.getTime()).toBeLessThan(inDays(8).getTime());
    expect(keptAt(simulation, simulation.to).length).toBeGreaterThanOrEqual(2);
  });

  it.each([inDays(-1), inDays(3_700)])("refuses to look until %s", (to) => {
    expect(() => simulateRetention({ ...request, to })).toThrow(expect.objectContaining({ code: "bad-request" }));
  });

  it("agrees with the plan of the day at every day, and never loses what is held or the newest", () => {
    const policies = fc.record({
      keepLast: fc.option(fc.integer({ min: 1, max: 4 })),
      windowDays: fc.option(fc.integer({ min: 1, max: 9 })),
      weekly: fc.option(fc.integer({ min: 1, max: 3 })),
      monthly: fc.option(fc.integer({ min: 1, max: 2 })),
    });
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 40 }), fc.boolean(), (rules, days, isHeld) => {
        const policy = { ...keepEverything, ...rules };
        const holds = isHeld ? [{ backupId: "old", by: "dba", text: "" }] : [];
        const simulation = simulateRetention({ ...request, policy, holds, to: inDays(days) });
        const kept = keptAt(simulation, simulation.to);
        const ids = kept.map(({ backup }) => backup.backupId);
        expect(new Set(ids)).toEqual(new Set(simulation.plan.kept.map(({ backupId }) => backupId)));
        if (isHeld) expect(ids).toContain("old");
        expect(kept.at(-1)?.codes).toContain("newest-usable");
        const again = planRetention({
          backups: kept.map(({ backup }) => ({ ...backup, state: "usable", proven: false }) as RetentionCandidate),
          policy,
          holds,
          now: simulation.to,
        });
        expect(again.deleted).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
