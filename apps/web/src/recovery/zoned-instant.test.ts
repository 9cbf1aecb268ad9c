import { expect, it } from "vitest";
import { parseZonedInstant } from "./zoned-instant.ts";

const utc = (text: string) => Date.parse(text);

it("reads a time by the zone's clock, summer and winter", () => {
  expect(parseZonedInstant("2026-11-21 14:02:31", "Europe/Berlin")).toBe(utc("2026-11-21T13:02:31Z"));
  expect(parseZonedInstant("2026-07-21 14:02", "Europe/Berlin")).toBe(utc("2026-07-21T12:02:00Z"));
  expect(parseZonedInstant(" 2026-11-21T14:02:31.5 ", "UTC")).toBe(utc("2026-11-21T14:02:31.500Z"));
  expect(parseZonedInstant("2026-11-21 14:02:31", "Asia/Kathmandu")).toBe(utc("2026-11-21T08:17:31Z"));
});

it("believes an offset before the zone", () => {
  expect(parseZonedInstant("2026-11-21 14:02:31Z", "Europe/Berlin")).toBe(utc("2026-11-21T14:02:31Z"));
  expect(parseZonedInstant("2026-11-21 14:02:31 -0330", "Europe/Berlin")).toBe(utc("2026-11-21T17:32:31Z"));
  expect(parseZonedInstant("2026-11-21 14:02:31+02", "Europe/Berlin")).toBe(utc("2026-11-21T12:02:31Z"));
});

it("means the first of an hour that comes twice, and refuses one that never comes", () => {
  expect(parseZonedInstant("2026-10-25 02:30:00", "Europe/Berlin")).toBe(utc("2026-10-25T00:30:00Z"));
  expect(parseZonedInstant("2026-03-29 02:30:00", "Europe/Berlin")).toBeNull();
});

it("refuses what is no time", () => {
  for (const text of ["", "yesterday", "2026-02-30 10:00", "2026-11-21", "2026-11-21 25:00", "2026-11-21 14:02:31 CET"])
    expect(parseZonedInstant(text, "UTC"), text).toBeNull();
});
