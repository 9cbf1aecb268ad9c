import { expect, it } from "vitest";
import { reasonInLog } from "./server-log.ts";

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
