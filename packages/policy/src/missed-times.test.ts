import { describe, expect, it } from "vitest";
import { missedTimes, mostCounted } from "./missed-times.ts";

const long = new Date("2020-01-01T00:00:00Z");
const daily = { kind: "backup", cron: "0 3 * * *", timeZone: "UTC", since: long } as const;
const hourly = { kind: "verify", cron: "30 * * * *", timeZone: "UTC", since: long } as const;
const at = (text: string) => new Date(text);

describe("missedTimes", () => {
  it("lists what passed after the beginning and up to the end, of all schedules, newest first", () => {
    const missed = missedTimes([daily, hourly], at("2026-03-10T03:00:00Z"), at("2026-03-11T03:00:00Z"));
    expect(missed.count).toBe(25);
    expect(missed.times[0]).toEqual({ kind: "backup", dueAt: at("2026-03-11T03:00:00Z") });
    expect(missed.times.at(-1)).toEqual({ kind: "verify", dueAt: at("2026-03-10T03:30:00Z") });
  });

  it("keeps the newest of many and counts all", () => {
    const missed = missedTimes([hourly, daily], at("2026-01-01T00:00:00Z"), at("2026-02-01T00:00:00Z"), 3);
    expect(missed.count).toBe(31 * 25);
    expect(missed.times.map(({ dueAt }) => dueAt.toISOString())).toEqual([
      "2026-01-31T23:30:00.000Z",
      "2026-01-31T22:30:00.000Z",
      "2026-01-31T21:30:00.000Z",
    ]);
  });

  it("reads each schedule in its own zone, once a day across daylight saving", () => {
    // Berlin skips 02:00-03:00 on 29 March 2026.
    const berlin = { ...daily, cron: "30 2 * * *", timeZone: "Europe/Berlin" };
    const missed = missedTimes([berlin], at("2026-03-27T12:00:00Z"), at("2026-03-30T12:00:00Z"));
    expect(missed.times.map(({ dueAt }) => dueAt.toISOString())).toEqual([
      "2026-03-30T00:30:00.000Z",
      "2026-03-29T01:30:00.000Z",
      "2026-03-28T01:30:00.000Z",
    ]);
  });

  it("leaves out what was before the schedule, and finds nothing in an empty or backward time", () => {
    const young = { ...daily, since: at("2026-03-12T00:00:00Z") };
    expect(missedTimes([young], at("2026-03-10T00:00:00Z"), at("2026-03-13T00:00:00Z")).count).toBe(1);
    expect(missedTimes([daily], at("2026-03-10T04:00:00Z"), at("2026-03-10T05:00:00Z"))).toEqual({
      times: [],
      count: 0,
    });
    expect(missedTimes([daily], at("2026-03-10T04:00:00Z"), at("2026-03-01T05:00:00Z")).count).toBe(0);
    expect(missedTimes([], long, at("2026-03-10T04:00:00Z")).count).toBe(0);
  });

  it("counts a schedule of every minute over years no further than it may, and still lists the newest", () => {
    const minutely = { ...daily, cron: "* * * * *" };
    const missed = missedTimes([minutely], long, at("2026-03-10T04:00:30Z"), 2);
    expect(missed.count).toBe(mostCounted);
    expect(missed.times[0]?.dueAt).toEqual(at("2026-03-10T04:00:00Z"));
  });

  it("throws for a zone nobody knows", () => {
    expect(() => missedTimes([{ ...daily, timeZone: "Mars/Base" }], long, at("2020-02-01T00:00:00Z"))).toThrow(
      "Mars/Base",
    );
  });
});
