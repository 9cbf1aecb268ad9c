import { expect, it } from "vitest";
import { noTarget, proofLifetimeOf, rpoTargetOf } from "./default-targets.ts";
import { checkPolicyTargets, describeTargets, type PolicyTargets } from "./policy-targets.ts";

const none: PolicyTargets = { rpoTargetSeconds: null, rtoTargetSeconds: null, proofDays: null, verifyDays: null };

it("takes targets that make sense, and none", () => {
  for (const targets of [
    none,
    { ...none, rpoTargetSeconds: noTarget, proofDays: noTarget },
    { rpoTargetSeconds: 5, rtoTargetSeconds: 10, proofDays: 1, verifyDays: 1 },
  ]) {
    expect(() => checkPolicyTargets(targets)).not.toThrow();
  }
});

it.each<[Partial<PolicyTargets>, string]>([
  [{ rpoTargetSeconds: 4 }, "from 5 s to 31 days"],
  [{ rpoTargetSeconds: 7.5 }, "whole numbers"],
  [{ rtoTargetSeconds: 9 }, "from 10 s to 31 days"],
  [{ proofDays: -1 }, "from 1 to 3650"],
  [{ rtoTargetSeconds: 0 }, "from 10 s to 31 days"],
  [{ verifyDays: 0 }, "from 1 to 366"],
  [{ verifyDays: 367 }, "from 1 to 366"],
])("refuses %o with its limits", (change, text) => {
  expect(() => checkPolicyTargets({ ...none, ...change })).toThrow(text);
  try {
    checkPolicyTargets({ ...none, ...change });
  } catch (error) {
    expect(error).toMatchObject({ code: "policy-invalid", context: { field: Object.keys(change)[0] } });
  }
});

it("says them in words, and nothing when there is none", () => {
  expect(describeTargets(none)).toBeNull();
  expect(describeTargets({ rpoTargetSeconds: 90, rtoTargetSeconds: 3600, proofDays: 1, verifyDays: 30 })).toBe(
    "at most 1 min 30 s of commits lost, restored within 1 h, proven every day, everything stored verified every 30 days",
  );
  expect(describeTargets({ ...none, rpoTargetSeconds: noTarget, proofDays: noTarget })).toBe(
    "no target for commits that may be lost, a proof counts for ever",
  );
});

it("tells no target from nothing said", () => {
  expect([null, 90, noTarget].map((stored) => rpoTargetOf(stored, true))).toEqual([60, 90, null]);
  expect([null, 90, noTarget].map((stored) => rpoTargetOf(stored, false))).toEqual([null, 90, null]);
  expect([null, 2, noTarget].map(proofLifetimeOf)).toEqual([31 * 86_400_000, 2 * 86_400_000, Number.POSITIVE_INFINITY]);
});
