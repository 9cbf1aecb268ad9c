import { expect, it } from "vitest";
import { looksBinary } from "./server-files.ts";

it.each<[string, Uint8Array | string, boolean]>([
  ["text with tabs and both line ends", "a\tb\r\nc\n", false],
  ["UTF-8", "Größe ≥ 1 €", false],
  ["nothing", "", false],
  ["a NUL", "a\0b", true],
  ["an escape sequence", "\u001b[2J", true],
  ["pg_control", Uint8Array.of(0x6a, 0x07, 0x00, 0x14), true],
])("keeps %s from a terminal: %#", (_what, bytes, binary) => {
  expect(looksBinary(typeof bytes === "string" ? Buffer.from(bytes) : bytes)).toBe(binary);
});
