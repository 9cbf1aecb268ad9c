import { describe, expect, it } from "vitest";
import { draftAt, readTrialTarget, targetWords, usualTarget } from "./trial-target.ts";

describe("the target of a drill or a clone", () => {
  it("is left to the server where nothing is said", () => expect(readTrialTarget(usualTarget, "UTC")).toBe(null));

  it("is taken from the address that led here", () =>
    expect(readTrialTarget(draftAt("2026-11-21T14:02:31.000Z", "2"), "Europe/Berlin")).toEqual({
      ...{ kind: "TIME", at: "2026-11-21T14:02:31.000Z", inclusive: true, timeline: 2 },
    }));

  it.each([
    ["XID", "4711", { kind: "XID", xid: "4711", inclusive: true }],
    ["NAME", "before release", { kind: "NAME", name: "before release" }],
    ["LSN", "x", "Write the LSN as 16/B374D848"],
    ["LATEST", "", { kind: "LATEST" }],
  ] as const)("%s %s", (kind, text, read) =>
    expect(readTrialTarget({ ...usualTarget, kind, text }, "UTC")).toEqual(read),
  );

  it.each([
    [null, "the end of what there was"],
    [{ kind: "time", at: "2026-11-21T14:02:31.000Z", inclusive: false }, "just before 2026-11-21 14:02:31 UTC"],
    [{ kind: "behind", seconds: 90 }, "90 s before the last archived commit"],
    [{ kind: "xid", xid: "9", inclusive: true }, "transaction 9"],
  ])("%j is said", (target, words) => expect(targetWords(target)).toBe(words));
});
