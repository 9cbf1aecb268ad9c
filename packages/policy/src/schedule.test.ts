import { describe, expect, it } from "vitest";
import { describeSchedule } from "./describe-schedule.ts";
import { missedRun, nextRuns, scheduleIntervalMs, validateCron } from "./schedule.ts";

const iso = (dates: readonly Date[]) => dates.map((date) => date.toISOString().slice(5, 16));

describe("nextRuns", () => {
  it.each([
    [
      "a daily run in the hour that spring skips happens an hour later",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-03-28T00:00Z",
      ["03-28T01:30", "03-29T01:30", "03-30T00:30"],
    ],
    [
      "a daily run in the hour that autumn repeats happens once",
      "30 2 * * *",
      "Europe/Berlin",
      "2026-10-24T00:00Z",
      ["10-24T00:30", "10-25T00:30", "10-26T01:30"],
    ],
    ["the same in New York", "30 1 * * *", "America/New_York", "2026-11-01T04:30Z", ["11-01T05:30", "11-02T06:30"]],
    [
      "every quarter of an hour goes on through the repeated hour",
      "*/15 * * * *",
      "Europe/Berlin",
      "2026-10-25T00:40Z",
      ["10-25T00:45", "10-25T01:00", "10-25T01:15"],
    ],
    ["a weekly run", "0 3 * * 0", "UTC", "2026-03-01T03:00Z", ["03-08T03:00", "03-15T03:00"]],
    ["February 29", "0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["02-29T00:00"]],
  ])("%s", (_, cron, zone, from, expected) => {
    expect(iso(nextRuns(cron, zone, new Date(from), expected.length))).toEqual(expected);
  });
});

describe("validateCron", () => {
  it.each([
    ["", "UTC", "0 fields"],
    ["* * * *", "UTC", "4 fields"],
    ["0 0 * * * *", "UTC", "6 fields"],
    ["61 * * * *", "UTC", "61"],
    ["0 0 31 2 *", "UTC", "day of month"],
    ["x * * * *", "UTC", "Invalid"],
    ["H * * * *", "UTC", "random"],
    ["0 0 * * *", "Mars/Base", "time zone"],
    ["0 0 * * *", "", "time zone"],
    ["0; * * * *", "UTC", "not a cron field"],
  ])("refuses %j in %j and says why", (cron, zone, why) => {
    expect(() => validateCron(cron, zone)).toThrow(why);
    expect(() => nextRuns(cron, zone, new Date(0), 1)).toThrow(expect.objectContaining({ code: "cron-invalid" }));
  });
});

describe("missedRun", () => {
  const daily = { cron: "0 3 * * *", timeZone: "UTC" };
  const at = (text: string) => new Date(`2026-03-${text}Z`);

  it("asks for one late run however many were missed, and says how many", () => {
    const missed = missedRun({ ...daily, lastFiredAt: at("01T03:00"), now: at("05T04:00") });
    expect(missed).toMatchObject({ dueAt: at("05T03:00"), missedCount: 4 });
    expect(missed?.sentence).toContain("runs once, late");
  });
  it("asks for none when the last run is the newest one", () => {
    expect(missedRun({ ...daily, lastFiredAt: at("05T03:00"), now: at("05T04:00") })).toBeNull();
  });
  it("leaves a run that is due this very minute to the ordinary bell", () => {
    expect(
      missedRun({ ...daily, lastFiredAt: at("04T03:00"), now: at("05T03:00:20"), toleranceMs: 60_000 }),
    ).toBeNull();
    expect(missedRun({ ...daily, lastFiredAt: at("04T03:00"), now: at("05T03:00:00") })).toMatchObject({
      missedCount: 1,
    });
  });
  it("notices the one that daylight saving moved by an hour", () => {
    // Berlin skips 02:00-03:00 on 29 March 2026, so 02:30 comes at 01:30 UTC.
    const berlin = { cron: "30 2 * * *", timeZone: "Europe/Berlin" };
    const missed = missedRun({ ...berlin, lastFiredAt: at("28T01:30"), now: at("29T05:00") });
    expect(missed).toMatchObject({ dueAt: at("29T01:30"), missedCount: 1 });
    expect(missedRun({ ...berlin, lastFiredAt: at("29T01:30"), now: at("29T05:00") })).toBeNull();
  });
  it("misses nothing when the clock jumped back", () => {
    expect(missedRun({ ...daily, lastFiredAt: at("05T03:00"), now: at("02T00:00") })).toBeNull();
  });
  it("stops counting at a hundred", () => {
    const missed = missedRun({ cron: "* * * * *", timeZone: "UTC", lastFiredAt: at("01T00:00"), now: at("05T00:00") });
    expect(missed).toMatchObject({ missedCount: 100 });
    expect(missed?.sentence).toContain("100 or more");
  });
});

describe("scheduleIntervalMs", () => {
  it("is the distance between the runs around now, on the day of 23 hours too", () => {
    expect(scheduleIntervalMs({ cron: "0 12 * * *", timeZone: "UTC" }, new Date("2026-03-01T00:00Z"))).toBe(
      24 * 3_600_000,
    );
    expect(scheduleIntervalMs({ cron: "0 12 * * *", timeZone: "Europe/Berlin" }, new Date("2026-03-29T00:00Z"))).toBe(
      23 * 3_600_000,
    );
  });
});

describe("describeSchedule", () => {
  it.each([
    ["30 2 * * *", "every day at 02:30 (UTC)"],
    ["0 2,14 * * *", "every day at 02:00 and 14:00 (UTC)"],
    ["*/15 * * * *", "every 15 minutes (UTC)"],
    ["5 * * * *", "every hour at 05 minutes past (UTC)"],
    ["0 */6 * * *", "every 6 hours on the hour (UTC)"],
    ["15 */6 * * *", "every 6 hours at 15 minutes past (UTC)"],
    ["0 3 * * 0", "every Sunday at 03:00 (UTC)"],
    ["0 3 * * MON,4", "every Monday and Thursday at 03:00 (UTC)"],
    ["0 3 * * 1-5", "Monday to Friday at 03:00 (UTC)"],
    ["0 4 1 * *", "on day 1 of every month at 04:00 (UTC)"],
    ["*/7 * * * *", 'at the times of "*/7 * * * *" (UTC)'],
    ["0 4 1 6 *", 'at the times of "0 4 1 6 *" (UTC)'],
  ])("%s is %s", (cron, sentence) => {
    expect(describeSchedule(cron, "UTC")).toBe(sentence);
  });
});
