import { describe, expect, it } from "vitest";
import { parseZonedTime } from "./zoned-time.ts";

describe("an instant with its zone", () => {
  it.each([
    ["2026-11-21T14:02:00Z", "2026-11-21T14:02:00.000Z"],
    ["2026-11-21 14:02 UTC", "2026-11-21T14:02:00.000Z"],
    ["2026-11-21 14:02:00.25+01", "2026-11-21T13:02:00.250Z"],
    ["2026-11-21T14:02:00,125-0330", "2026-11-21T17:32:00.125Z"],
    ["2026-11-21 14:02:03.500000+01:00", "2026-11-21T13:02:03.500Z"],
    ["2026-11-21 14:02 Europe/Berlin", "2026-11-21T13:02:00.000Z"],
    ["2026-07-01 00:30 America/New_York", "2026-07-01T04:30:00.000Z"],
    ["2026-01-01 00:00 Asia/Kolkata", "2025-12-31T18:30:00.000Z"],
    ["2026-10-25 01:30 Europe/Berlin", "2026-10-24T23:30:00.000Z"],
    ["2026-10-25 03:30 Europe/Berlin", "2026-10-25T02:30:00.000Z"],
  ])("reads %s", (text, instant) => expect(parseZonedTime(text).toISOString()).toBe(instant));

  it.each([
    ["2026-11-21 14:02:00", /has no zone/],
    ["yesterday", /is not a time/],
    ["2026-02-30T14:02:00Z", /no such day/],
    ["2026-11-21 25:02:00Z", /no such day or hour/],
    ["2026-11-21 14:02 Europe/Nowhere", /no time zone Europe\/Nowhere/],
    ["2026-03-29 02:30 Europe/Berlin", /that hour was not/],
    ["2026-10-25 02:30 Europe/Berlin", /2026-10-25T00:30:00.000Z or 2026-10-25T01:30:00.000Z/],
    ["2026-11-21 14:02:00.0005Z", /milliseconds/],
  ])("refuses %s", (text, why) => expect(() => parseZonedTime(text)).toThrow(why));
});
