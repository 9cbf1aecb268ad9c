import { expect, it } from "vitest";
import { durationProblem, noTargets, targetDraftOf, toTargetsInput } from "./target-draft.ts";

it("gives back what was saved, and nothing for fields that are empty", () => {
  for (const targets of [
    { rpoTargetSeconds: 90, rtoTargetSeconds: 7_200, proofDays: 7, verifyDays: 30 },
    { rpoTargetSeconds: null, rtoTargetSeconds: null, proofDays: null, verifyDays: null },
    { rpoTargetSeconds: 0, rtoTargetSeconds: null, proofDays: 0, verifyDays: null },
  ]) {
    expect(toTargetsInput(targetDraftOf(targets))).toEqual(targets);
  }
  expect(targetDraftOf({ rpoTargetSeconds: 90, rtoTargetSeconds: null, proofDays: null, verifyDays: null })).toEqual({
    ...noTargets,
    rpo: "1 min 30 s",
  });
});

it("takes no duration it cannot read, and says how to write one", () => {
  for (const text of ["soon", "5", "500 ms"]) {
    expect(toTargetsInput({ ...noTargets, rto: text })).toBeNull();
    expect(durationProblem(text)).toContain("5 min");
  }
  expect(durationProblem("")).toBeNull();
});
