import { describe, expect, it } from "vitest";
import { parseRetention } from "./parse-retention.ts";
import { keepEverything } from "./retention-types.ts";

describe("parseRetention", () => {
  it.each([
    ["7,4,12,5", { windowDays: 7, weekly: 4, monthly: 12, yearly: 5 }],
    ["7, 4, 12, 5", { windowDays: 7, weekly: 4, monthly: 12, yearly: 5 }],
    ["7,-,-,-", { windowDays: 7 }],
    ["7 , - , x , 5", { windowDays: 7, yearly: 5 }],
    ["7,X,0,", { windowDays: 7 }],
    ["7", { windowDays: 7 }],
    ["7,4", { windowDays: 7, weekly: 4 }],
    ["-,-,6", { monthly: 6 }],
    [",,,2", { yearly: 2 }],
    ["REDUNDANCY 3", { keepLast: 3 }],
    ["  redundancy   10 ", { keepLast: 10 }],
    ["RECOVERY WINDOW OF 7 DAYS", { windowDays: 7 }],
    ["recovery window of 1 day", { windowDays: 1 }],
    ["RECOVERY WINDOW OF 4 WEEKS", { windowDays: 28 }],
    ["Recovery Window Of 2 Months", { windowDays: 62 }],
  ])("reads %s", (text, rules) => {
    expect(parseRetention(text)).toEqual({ ...keepEverything, ...rules });
  });

  it.each([
    "",
    "-",
    "-,x,0,X",
    "7,4,12,5,1",
    "seven",
    "7;4",
    "-7",
    "REDUNDANCY 0",
    "REDUNDANCY",
    "RECOVERY WINDOW OF DAYS",
    "7.5",
  ])("refuses %s", (text) => {
    expect(() => parseRetention(text)).toThrow(expect.objectContaining({ code: "policy-invalid" }));
  });
});
