import { expect, it } from "vitest";
import { matchesAny } from "./setting-pattern.ts";

it.each<[string, string, boolean]>([
  ["wal_level", "wal_level", true],
  ["WAL_level", "wal_level", true],
  ["DateStyle", "datestyle", true],
  ["wal_*", "wal_level", true],
  ["*wal*", "max_wal_senders", true],
  ["wal_*", "max_wal_senders", false],
  ["wal?level", "wal_level", true],
  ["pg_stat.max", "pg_statXmax", false],
  ["(a+)+", "aaaa", false],
])("%s against %s: %s", (pattern, name, matches) => {
  expect(matchesAny(["no_such", pattern], name)).toBe(matches);
});
