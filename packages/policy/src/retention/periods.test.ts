import { describe, expect, it } from "vitest";
import { periodNamer } from "./periods.ts";

describe("periodNamer", () => {
  it.each([
    ["2026-03-15T10:00:00Z", "UTC", "2026-03-15", "2026-W11", "2026-03", "2026"],
    // Monday begins a week; the last days of December may belong to the next year's first week, and the other way round.
    ["2026-03-16T00:00:00Z", "UTC", "2026-03-16", "2026-W12", "2026-03", "2026"],
    ["2024-12-30T12:00:00Z", "UTC", "2024-12-30", "2025-W01", "2024-12", "2024"],
    ["2027-01-01T12:00:00Z", "UTC", "2027-01-01", "2026-W53", "2027-01", "2027"],
    // The same instant, another day, month and year.
    ["2025-12-31T23:30:00Z", "Europe/Berlin", "2026-01-01", "2026-W01", "2026-01", "2026"],
    ["2026-01-01T02:00:00Z", "America/New_York", "2025-12-31", "2026-W01", "2025-12", "2025"],
  ])("%s in %s", (instant, zone, day, week, month, year) => {
    const nameOf = periodNamer(zone);
    const at = new Date(instant);
    expect([nameOf("daily", at), nameOf("weekly", at), nameOf("monthly", at), nameOf("yearly", at)]).toEqual([
      day,
      week,
      month,
      year,
    ]);
  });
});
