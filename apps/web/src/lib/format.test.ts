import { describe, expect, it } from "vitest";
import {
  absoluteTime,
  bytes,
  etaRange,
  knownZone,
  percent,
  plural,
  relativeTime,
  scheduledTime,
  words,
} from "./format.ts";

const at = (text: string) => new Date(text);

describe("times", () => {
  it.each([
    ["2026-01-01T00:00:00Z", "2026-01-01T00:03:10Z", "3 min ago"],
    ["2026-01-01T02:00:00Z", "2026-01-01T00:00:00Z", "in 2 h"],
    ["2026-01-01T00:00:00.400Z", "2026-01-01T00:00:00Z", "now"],
  ])("says %s seen at %s as %s", (then, now, said) => {
    expect(relativeTime(at(then), at(now))).toBe(said);
  });

  it("shows an instant in the calendar of a zone and names the zone, across its change to summer time", () => {
    expect(absoluteTime(at("2026-03-29T00:59:59Z"), "Europe/Berlin")).toBe("2026-03-29 01:59:59 CET");
    expect(absoluteTime(at("2026-03-29T01:00:00Z"), "Europe/Berlin")).toBe("2026-03-29 03:00:00 CEST");
    expect(absoluteTime(at("2026-03-29T01:00:00Z"), "UTC")).toBe("2026-03-29 01:00:00 UTC");
  });

  it("knows the zones a server may name, but for those no browser does", () => {
    for (const zone of ["Europe/Berlin", "Etc/UTC", "GMT"]) expect(knownZone(zone)).toBe(zone);
    for (const zone of ["<+03>-03", "localtime", ""]) expect(knownZone(zone)).toBeNull();
  });

  it("shows midnight as 00:00, not 24:00", () => {
    expect(absoluteTime(at("2026-05-01T00:00:00Z"), "UTC")).toBe("2026-05-01 00:00:00 UTC");
  });

  it("shows a coming time with its weekday and without seconds", () => {
    expect(scheduledTime(at("2026-11-22T01:00:00Z"), "Europe/Berlin")).toBe("Sun 2026-11-22 02:00 CET");
  });
});

describe("amounts", () => {
  it("keeps bytes beyond 2^53 exact until the last step", () => {
    expect(bytes("9007199254740993")).toBe("8.00 PiB");
    expect(bytes(null)).toBe("–");
  });

  it("does not invent progress when the end is unknown", () => {
    expect(percent("5", null)).toBeNull();
    expect(percent("5", "0")).toBeNull();
    expect(percent("5", "10")).toBe(50);
    expect(percent("12", "10")).toBe(100);
  });

  it("says the time left as a range, and that there is none yet", () => {
    expect(etaRange(50_000, 130_000)).toBe("50 s – 2 min");
    expect(etaRange(60_000, 61_000)).toBe("about 1 min");
    expect(etaRange(null, null)).toBe("no estimate yet");
  });
});

it("turns names of the api into words", () => {
  expect(words("RESTORE_PLAN")).toBe("Restore plan");
  expect(words("targetDirectory")).toBe("Target directory");
  expect(words("walRange")).toBe("WAL range");
  expect(plural(1, "backup")).toBe("1 backup");
  expect(plural(1200, "backup")).toBe("1,200 backups");
});
