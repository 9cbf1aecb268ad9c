import { expect, it } from "vitest";
import { targetsInput } from "./policy-targets.ts";

it("reads targets, leaves out what was not given, and takes away what is none", () => {
  expect(targetsInput({})).toBeNull();
  expect(targetsInput({ rpo: "1min30s", rto: "none", proofDays: "7" })).toEqual({
    rpoTargetSeconds: 90,
    rtoTargetSeconds: null,
    proofDays: 7,
  });
});

it("tells no target from the usual one", () => {
  expect(targetsInput({ rpo: "none", proofDays: "none" })).toEqual({ rpoTargetSeconds: 0, proofDays: 0 });
  expect(targetsInput({ rpo: "usual", rto: "usual", proofDays: "usual", verifyDays: "none" })).toEqual({
    ...{ rpoTargetSeconds: null, rtoTargetSeconds: null },
    ...{ proofDays: null, verifyDays: null },
  });
});

it.each([{ rpo: "soon" }, { rto: "500ms" }, { proofDays: "0" }, { verifyDays: "1.5" }])("refuses %o", (options) => {
  expect(() => targetsInput(options)).toThrow(/takes a/);
});
