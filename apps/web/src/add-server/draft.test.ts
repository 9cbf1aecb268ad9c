import { expect, it } from "vitest";
import { suggestName } from "./draft.ts";

it.each([
  ["postgresql://u:p@billing-eu.example.com:5432/postgres", "billing-eu"],
  ["postgres://db7/postgres", "db7"],
  ["postgresql://u@10.0.0.7/db", "10.0.0.7"],
  ["host=orders.internal port=5432 user=tidemark", "orders"],
  ["host='/var/run/postgresql' user=x", "var-run-postgresql"],
  ["postgresql://u:p@[fe80::1]:5432/x", "fe80"],
  ["nonsense", null],
  ["", null],
])("suggests for %s the name %s", (dsn, name) => {
  expect(suggestName(dsn)).toBe(name);
});
