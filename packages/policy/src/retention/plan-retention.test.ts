import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRetention } from "./plan-retention.ts";
import {
  keepEverything,
  periodRules,
  type RetentionCandidate,
  type RetentionHold,
  type RetentionPolicy,
} from "./retention-types.ts";

const now = new Date("2026-03-15T00:00:00Z");

/** `ok@03-01` is a usable backup that ended on March 1st, `proven@…` a proven one; other states: damaged, failed, running. */
function backups(text: string): RetentionCandidate[] {
  return text.split(" ").map((word) => {
    const [state = "", day = ""] = word.split("@");
    const at = new Date(`2026-${day}T00:00:00Z`);
    const kind = state === "ok" || state === "proven" ? "usable" : (state as RetentionCandidate["state"]);
    return {
      backupId: word,
      state: kind,
      startedAt: at,
      stoppedAt: kind === "usable" || kind === "damaged" ? at : null,
      proven: state === "proven",
    };
  });
}

const rules = (policy: Partial<RetentionPolicy>): RetentionPolicy => ({
  ...keepEverything,
  minimum: 0,
  ...policy,
});
const hold = (backupId: string): RetentionHold => ({ backupId, by: "dba", text: "audit" });

const cases: {
  why: string;
  have: string;
  policy: Partial<RetentionPolicy>;
  holds?: string[];
  kept: string;
  deleted: string;
}[] = [
  {
    why: "keeps everything when no rule is set",
    have: "ok@01-01 ok@02-01",
    policy: {},
    kept: "ok@02-01:newest-usable,no-rule ok@01-01:no-rule",
    deleted: "",
  },
  {
    why: "keeps the last n and lets older ones go",
    have: "ok@03-01 ok@03-02 ok@03-03",
    policy: { keepLast: 2 },
    kept: "ok@03-03:newest-usable,keep-last ok@03-02:keep-last",
    deleted: "ok@03-01:beyond-rules",
  },
  {
    why: "does not let a failed or damaged backup push out a usable one",
    have: "ok@03-01 ok@03-02 damaged@03-03 failed@03-04",
    policy: { keepLast: 2 },
    kept: "damaged@03-03:damaged-not-superseded ok@03-02:newest-usable,keep-last ok@03-01:keep-last",
    deleted: "failed@03-04:nothing-stored",
  },
  {
    why: "keeps the newest usable backup past its age, and the window's base once",
    have: "ok@01-01 ok@02-01",
    policy: { windowDays: 7 },
    kept: "ok@02-01:newest-usable,window-base",
    deleted: "ok@01-01:beyond-rules",
  },
  {
    why: "keeps all within the window and the newest before it, without which the window's start is lost",
    have: "ok@03-01 ok@03-07 ok@03-09 ok@03-14",
    policy: { windowDays: 7 },
    kept: "ok@03-14:newest-usable,window ok@03-09:window ok@03-07:window-base",
    deleted: "ok@03-01:beyond-rules",
  },
  {
    why: "takes a backup that ended exactly at the window's start as its base",
    have: "ok@03-07 ok@03-08 ok@03-14",
    policy: { windowDays: 7 },
    kept: "ok@03-14:newest-usable,window ok@03-08:window-base",
    deleted: "ok@03-07:beyond-rules",
  },
  {
    why: "never uses a damaged backup as the window's base",
    have: "ok@03-01 damaged@03-07 ok@03-14",
    policy: { windowDays: 7 },
    kept: "ok@03-14:newest-usable,window damaged@03-07:damaged-not-superseded ok@03-01:window-base",
    deleted: "",
  },
  {
    why: "lets a damaged backup go once every kept usable one is newer",
    have: "damaged@01-01 ok@03-07 ok@03-14",
    policy: { windowDays: 7 },
    kept: "ok@03-14:newest-usable,window ok@03-07:window-base",
    deleted: "damaged@01-01:damaged-superseded",
  },
  {
    why: "does not count a held backup against the last n",
    have: "ok@03-01 ok@03-02 ok@03-03",
    policy: { keepLast: 2 },
    holds: ["ok@03-03"],
    kept: "ok@03-03:hold,newest-usable ok@03-02:keep-last ok@03-01:keep-last",
    deleted: "",
  },
  {
    why: "keeps the minimum although the window would let it go",
    have: "ok@01-01 ok@01-02 ok@01-03",
    policy: { windowDays: 1, minimum: 2 },
    kept: "ok@01-03:newest-usable,window-base,minimum ok@01-02:minimum",
    deleted: "ok@01-01:beyond-rules",
  },
  {
    why: "never touches a running backup",
    have: "ok@03-01 running@03-14",
    policy: { keepLast: 1 },
    kept: "running@03-14:running ok@03-01:newest-usable,keep-last",
    deleted: "",
  },
  {
    why: "keeps the newest of each day, week, month and year that has one",
    have: "ok@01-05 ok@01-31 ok@02-27 ok@02-28 ok@03-09 ok@03-10 ok@03-13 ok@03-14",
    policy: { daily: 2, weekly: 2, monthly: 3, yearly: 1 },
    kept: "ok@03-14:newest-usable,daily,weekly,monthly,yearly ok@03-13:daily ok@02-28:weekly,monthly ok@01-31:monthly",
    deleted: "ok@03-10:beyond-rules ok@03-09:beyond-rules ok@02-27:beyond-rules ok@01-05:beyond-rules",
  },
  {
    why: "counts only periods that have a backup, so a long silence loses nothing",
    have: "ok@01-05 ok@01-12 ok@03-14",
    policy: { weekly: 3 },
    kept: "ok@03-14:newest-usable,weekly ok@01-12:weekly ok@01-05:weekly",
    deleted: "",
  },
  {
    why: "takes the newest usable backup of a period, whatever else there is",
    have: "ok@03-10 damaged@03-12",
    policy: { weekly: 1 },
    kept: "damaged@03-12:damaged-not-superseded ok@03-10:newest-usable,weekly",
    deleted: "",
  },
  {
    why: "lets a period have another backup beside one that is held",
    have: "ok@03-10 ok@03-12",
    policy: { weekly: 1 },
    holds: ["ok@03-12"],
    kept: "ok@03-12:hold,newest-usable ok@03-10:weekly",
    deleted: "",
  },
  {
    why: "keeps the newest proven backup although unproven ones are newer",
    have: "ok@03-01 proven@03-02 ok@03-03 ok@03-04",
    policy: { keepLast: 1 },
    kept: "ok@03-04:newest-usable,keep-last proven@03-02:newest-proven",
    deleted: "ok@03-03:beyond-rules ok@03-01:beyond-rules",
  },
  {
    why: "keeps damaged backups when there is nothing better",
    have: "damaged@01-01 damaged@02-01",
    policy: { keepLast: 1 },
    kept: "damaged@02-01:damaged-not-superseded damaged@01-01:damaged-not-superseded",
    deleted: "",
  },
];

describe("planRetention", () => {
  for (const row of cases) {
    it(row.why, () => {
      const plan = planRetention({
        backups: backups(row.have),
        policy: rules(row.policy),
        holds: (row.holds ?? []).map(hold),
        now,
      });
      const show = (list: readonly { backupId: string; reasons: readonly { code: string }[] }[]) =>
        list.map((one) => `${one.backupId}:${one.reasons.map((reason) => reason.code).join(",")}`).join(" ");
      expect(show(plan.kept)).toBe(row.kept);
      expect(show(plan.deleted)).toBe(row.deleted);
    });
  }

  it("gives every decision a sentence", () => {
    const plan = planRetention({
      backups: backups("ok@03-01 failed@03-02 ok@03-14"),
      policy: rules({ keepLast: 1 }),
      holds: [],
      now,
    });
    for (const one of [...plan.kept, ...plan.deleted]) {
      for (const reason of one.reasons) expect(reason.sentence.length).toBeGreaterThan(10);
    }
  });

  it.each([
    { keepLast: 0 },
    { keepLast: 1.5 },
    { windowDays: 0 },
    { windowDays: Number.NaN },
    { minimum: -1 },
    { weekly: 0 },
    { yearly: 2.5 },
    { timeZone: "Mars/Olympus" },
    { timeZone: "" },
  ])("refuses %o", (policy) => {
    expect(() => planRetention({ backups: [], policy: rules(policy), holds: [], now })).toThrow("cannot be used");
  });
});

const anyBackup = fc.record({
  state: fc.constantFrom("usable", "damaged", "running", "failed"),
  proven: fc.boolean(),
  day: fc.integer({ min: 0, max: 60 }),
});
const anyInput = fc
  .record({
    list: fc.array(anyBackup, { maxLength: 20 }),
    policy: fc.record({
      keepLast: fc.option(fc.integer({ min: 1, max: 6 })),
      windowDays: fc.option(fc.integer({ min: 1, max: 40 })),
      daily: fc.option(fc.integer({ min: 1, max: 9 })),
      weekly: fc.option(fc.integer({ min: 1, max: 5 })),
      monthly: fc.option(fc.integer({ min: 1, max: 3 })),
      yearly: fc.option(fc.integer({ min: 1, max: 2 })),
      timeZone: fc.constantFrom("UTC", "Pacific/Kiritimati", "America/New_York"),
      minimum: fc.integer({ min: 0, max: 4 }),
    }),
    heldShare: fc.array(fc.boolean(), { maxLength: 20 }),
  })
  .map(({ list, policy, heldShare }) => {
    const candidates = list.map(({ state, day, proven }, index): RetentionCandidate => {
      const at = new Date(now.getTime() - day * 86_400_000);
      const stored = state === "usable" || state === "damaged";
      return {
        backupId: `b${index}`,
        state: state as RetentionCandidate["state"],
        startedAt: at,
        stoppedAt: stored ? at : null,
        proven: proven && state === "usable",
      };
    });
    return {
      backups: candidates,
      policy,
      holds: candidates.filter((_, index) => heldShare[index] === true).map((one) => hold(one.backupId)),
      now,
    };
  });

describe("planRetention, for any backups and any policy", () => {
  it("puts every backup into exactly one list, with a reason", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const plan = planRetention(input);
        const ids = [...plan.kept, ...plan.deleted].map((one) => one.backupId).sort();
        expect(ids).toEqual(input.backups.map((one) => one.backupId).sort());
        expect([...plan.kept, ...plan.deleted].every((one) => one.reasons.length > 0)).toBe(true);
      }),
    );
  });

  it("never deletes what is held, running or the newest usable", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const deleted = new Set(planRetention(input).deleted.map((one) => one.backupId));
        for (const one of input.holds) expect(deleted.has(one.backupId)).toBe(false);
        const usable = input.backups.filter((one) => one.state === "usable");
        const newestMs = Math.max(...usable.map((one) => one.startedAt.getTime()));
        if (usable.length > 0)
          expect(usable.some((one) => one.startedAt.getTime() === newestMs && !deleted.has(one.backupId))).toBe(true);
        for (const one of input.backups) if (one.state === "running") expect(deleted.has(one.backupId)).toBe(false);
      }),
    );
  });

  it("never deletes the newest proven one", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const proven = input.backups.filter((one) => one.proven);
        const newestMs = Math.max(...proven.map((one) => one.startedAt.getTime()));
        const kept = new Set(planRetention(input).kept.map((one) => one.backupId));
        if (proven.length === 0) return;
        expect(proven.some((one) => one.startedAt.getTime() === newestMs && kept.has(one.backupId))).toBe(true);
      }),
    );
  });

  it("decides the same again once it was executed, in any order and in part", () => {
    fc.assert(
      fc.property(anyInput, fc.infiniteStream(fc.boolean()), (input, coins) => {
        const plan = planRetention(input);
        const gone = new Set(plan.deleted.filter(() => coins.next().value === true).map((one) => one.backupId));
        const rest = input.backups.filter((one) => !gone.has(one.backupId));
        const again = planRetention({ ...input, backups: rest });
        expect(again.kept.map((one) => one.backupId)).toEqual(plan.kept.map((one) => one.backupId));
      }),
    );
  });

  it("keeps as many periods as asked for, or all there are", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const plan = planRetention(input);
        for (const rule of periodRules) {
          const count = input.policy[rule];
          const labelled = plan.kept.filter((one) => one.reasons.some(({ code }) => code === rule)).length;
          if (count === null) expect(labelled).toBe(0);
          else expect(labelled).toBeLessThanOrEqual(count);
          const free = input.backups.filter(
            (one) => one.state === "usable" && !input.holds.some(({ backupId }) => backupId === one.backupId),
          );
          if (count !== null && free.length > 0) expect(labelled).toBeGreaterThan(0);
        }
      }),
    );
  });

  it("leaves every moment of the window restorable that was restorable before", () => {
    fc.assert(
      fc.property(anyInput, fc.double({ min: 0, max: 1, noNaN: true }), (input, share) => {
        if (input.policy.windowDays === null) return;
        const targetMs = now.getTime() - input.policy.windowDays * 86_400_000 * share;
        const kept = new Set(planRetention(input).kept.map((one) => one.backupId));
        const reaching = input.backups.filter(
          (one) => one.state === "usable" && (one.stoppedAt?.getTime() ?? 0) <= targetMs,
        );
        if (reaching.length > 0) expect(reaching.some((one) => kept.has(one.backupId))).toBe(true);
      }),
    );
  });

  it("decides about usable backups as if failed, running and damaged ones were not there", () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const usable = input.backups.filter((one) => one.state === "usable");
        const isUsable = new Set(usable.map((one) => one.backupId));
        const all = planRetention(input)
          .deleted.filter((one) => isUsable.has(one.backupId))
          .map((one) => one.backupId);
        expect(planRetention({ ...input, backups: usable }).deleted.map((one) => one.backupId)).toEqual(all);
      }),
    );
  });
});
