import { expect, it } from "vitest";
import { looksBinary } from "./server-files.ts";

it.each<[string, Uint8Array | string, boolean]>([
  ["text with tabs and both line ends", "a\tb\r\nc\n", false],
  ["UTF-8", "Größe ≥ 1 €", false],
  ["a piece that begins within a character", Buffer.from("€uro").subarray(1), false],
  ["nothing", "", false],
  ["a NUL", "a\0b", true],
  ["an escape sequence", "\u001b[2J", true],
  ["an escape sequence of one character", "\u009b2J", true],
  ["the same in Latin 1", Uint8Array.of(0x61, 0x9b, 0x32, 0x4a), true],
  ["pg_control", Uint8Array.of(0x6a, 0x07, 0x00, 0x14), true],
])("keeps %s from a terminal: %#", (_what, bytes, binary) => {
  expect(looksBinary(typeof bytes === "string" ? Buffer.from(bytes) : bytes)).toBe(binary);
});
