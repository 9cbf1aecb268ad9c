import { expect, it } from "vitest";
import { lacksSpace } from "./isolated-server.ts";

const line = (text: string) =>
  `2026-11-22 08:00:00 UTC [7] LOG:  ready\n2026-11-22 08:00:01 UTC [8] ${text}\nHINT:  x\n`;

it.each([
  ['ERROR:  could not extend file "base/5/16384": No space left on device', true],
  ['PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device', true],
  ['ERROR:  could not write to file "base/pgsql_tmp/pgsql_tmp1.0": Disk quota exceeded', true],
  ['ERROR:  invalid input syntax for type integer: "No space left on device"', false],
  ["STATEMENT:  SELECT 'x: No space left on device", false],
  ["LOG:  database system is ready to accept connections", false],
])("tells a full disk from what was asked: %s", (text, full) => {
  expect(lacksSpace(line(text))).toBe(full);
});
