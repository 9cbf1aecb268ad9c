import { expect, it } from "vitest";
import { checkPolicyTargets, describeTargets, type PolicyTargets } from "./policy-targets.ts";

const none: PolicyTargets = { rpoTargetSeconds: null, rtoTargetSeconds: null, proofDays: null, verifyDays: null };

it("takes targets that make sense, and none", () => {
  for (const targets of [none, { rpoTargetSeconds: 5, rtoTargetSeconds: 10, proofDays: 1, verifyDays: 1 }]) {
    expect(() => checkPolicyTargets(targets)).not.toThrow();
  }
});

it.each<[Partial<PolicyTargets>, string]>([
  [{ rpoTargetSeconds: 4 }, "from 5 s to 31 days"],
  [{ rpoTargetSeconds: 7.5 }, "whole numbers"],
  [{ rtoTargetSeconds: 9 }, "from 10 s to 31 days"],
  [{ proofDays: 0 }, "from 1 to 3650"],
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
});
