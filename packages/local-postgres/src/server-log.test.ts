import { expect, it } from "vitest";
import { lacksSpace, reasonInLog } from "./server-log.ts";

it("gives the last FATAL with its detail and hint", () => {
  const log = [
    "2026-01-01 00:00:00 UTC [1] LOG:  starting PostgreSQL 18.4",
    '2026-01-01 00:00:00 UTC [1] FATAL:  data directory "/srv/data" has wrong ownership',
    "2026-01-01 00:00:00 UTC [1] HINT:  The server must be started by the user that owns the data directory.",
    "2026-01-01 00:00:00 UTC [1] LOG:  database system is shut down",
  ].join("\n");
  expect(reasonInLog(log)).toBe(
    'data directory "/srv/data" has wrong ownership; The server must be started by the user that owns the data directory.',
  );
});

it("gives the last line of a program that died before it could log properly", () => {
  expect(reasonInLog("postgres: error while loading shared libraries: libssl.so.1.1\n\n")).toBe(
    "postgres: error while loading shared libraries: libssl.so.1.1",
  );
});

it("says so when there is nothing to go by", () => {
  expect(reasonInLog("")).toBe("it wrote nothing to its log");
});

const line = (text: string) =>
  `2026-11-22 08:00:00 UTC [7] LOG:  ready\n2026-11-22 08:00:01 UTC [8] ${text}\nHINT:  x\n`;

it.each([
  ['ERROR:  could not extend file "base/5/16384": No space left on device', true],
  ['PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device', true],
  ['ERROR:  could not extend file "base/5/16384": wrote only 4096 of 8192 bytes at block 7', true],
  ['ERROR:  could not write to file "base/pgsql_tmp/pgsql_tmp1.0": Disk quota exceeded', true],
  ['ERROR:  invalid input syntax for type integer: "No space left on device"', false],
  ["STATEMENT:  SELECT 'x: No space left on device", false],
  ['ERROR:  relation "No space left on device" does not exist', false],
  ["LOG:  database system is ready to accept connections", false],
])("tells a full disk from what was asked: %s", (text, full) => {
  expect(lacksSpace(line(text))).toBe(full);
});

it("tells it from the words of a tool as well", () => {
  const words = 'initdb: error: could not create directory "/srv/data/base": No space left on device\n';
  expect(lacksSpace(words)).toBe(true);
});
