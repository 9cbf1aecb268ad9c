import { describe, expect, it } from "vitest";
import { blockingChecks, countChoices, type FilteredCheck, filterChecks, startingFilter } from "./check-filter.ts";

const checks: readonly FilteredCheck[] = [
  { id: "note", state: "FOUND", severity: "NOTE" },
  { id: "fine", state: "OK", severity: "BLOCKS_BACKUP" },
  { id: "senders", state: "FOUND", severity: "BLOCKS_BACKUP" },
  { id: "icu", state: "NOT_ASKED", severity: "NOTE" },
  { id: "fsync", state: "FOUND", severity: "RISK" },
  { id: "keep", state: "FOUND", severity: "RISK" },
];
const ids = (list: readonly FilteredCheck[]) => list.map((check) => check.id);

describe("filterChecks", () => {
  it("shows at first what was found, the worst before the rest, equals in their own order", () => {
    expect(ids(filterChecks(checks, startingFilter))).toEqual(["senders", "fsync", "keep", "note"]);
  });

  it("shows all on demand and one severity alone", () => {
    expect(filterChecks(checks, { state: "ALL", severity: "ALL" })).toHaveLength(checks.length);
    expect(ids(filterChecks(checks, { state: "FOUND", severity: "RISK" }))).toEqual(["fsync", "keep"]);
    expect(ids(filterChecks(checks, { state: "NOT_ASKED", severity: "ALL" }))).toEqual(["icu"]);
  });

  it("keeps a check in its place that was mended while one looked", () => {
    const mended = checks.map((check) => (check.id === "fsync" ? { ...check, state: "OK" as const } : check));
    expect(ids(filterChecks(mended, startingFilter, new Set(["fsync"])))).toEqual(["senders", "fsync", "keep", "note"]);
    expect(ids(filterChecks(mended, startingFilter))).toEqual(["senders", "keep", "note"]);
  });
});

it("counts for each choice what it would show beside the other", () => {
  const counts = countChoices(checks, { state: "FOUND", severity: "RISK" });
  expect(counts.states).toEqual([
    { value: "FOUND", count: 2 },
    { value: "OK", count: 0 },
    { value: "NOT_ASKED", count: 0 },
    { value: "ALL", count: 2 },
  ]);
  expect(counts.severities.find(({ value }) => value === "ALL")?.count).toBe(4);
  expect(counts.severities.find(({ value }) => value === "BLOCKS_WAL")?.count).toBe(0);
});

it("lets only what was found block, not a check that would", () => {
  expect(ids(blockingChecks(checks))).toEqual(["senders"]);
});
