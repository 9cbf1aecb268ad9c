import { expect, it } from "vitest";
import { documentTitle, isFinal, runTitle } from "./run-state.ts";

const run = { kind: "BACKUP", state: "RUNNING", server: { name: "billing" } } as const;

it("names a run by what it does and to whom", () => {
  expect(runTitle(run)).toBe("Backup of billing");
  expect(runTitle({ kind: "RECOVERY_KIT", server: null })).toBe("Recovery kit");
});

it("says the state first in the tab's title", () => {
  expect(documentTitle(run, 42.9)).toBe("42 % · Backup of billing · Tidemark");
  expect(documentTitle(run, null)).toBe("Running · Backup of billing · Tidemark");
  expect(documentTitle({ ...run, state: "FAILED" }, 42)).toBe("✗ Failed · Backup of billing · Tidemark");
});

it("knows which states are the end", () => {
  expect(isFinal("WAITING")).toBe(false);
  expect(isFinal("INTERRUPTED")).toBe(true);
});
