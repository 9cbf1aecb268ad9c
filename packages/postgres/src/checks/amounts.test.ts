import { expect, it } from "vitest";
import { durationText, sizeText } from "./amounts.ts";

it.each([
  [0, "0 bytes"],
  [1023, "1023 bytes"],
  [65_536, "64kB"],
  [1024 ** 3, "1GB"],
  [1536 * 1024 ** 2, "1536MB"],
  [5 * 1024 ** 2 + 1, "5.0 MB"],
])("writes %i bytes as %s", (bytes, text) => {
  expect(sizeText(bytes)).toBe(text);
});

it.each([
  [250, "250 ms"],
  [60_000, "60 s"],
  [300_000, "5 min"],
  [7_200_000, "2 h"],
  [3 * 86_400_000, "3 days"],
])("writes %i ms as %s", (ms, text) => {
  expect(durationText(ms)).toBe(text);
});
