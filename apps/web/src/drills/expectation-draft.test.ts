import { expect, it } from "vitest";
import { expectationDraft, readExpectations } from "./expectation-draft.ts";

const text = {
  rows: "shop.public.orders=1000±5%\n\nshop.lines=7",
  sql: "-- name: a\n-- database: shop\n-- expect: 0\nSELECT 0",
};

it("reads what is expected, and writes it down to be edited again", () => {
  const read = readExpectations(text);
  if (!read.ok) throw new Error(read.message);
  expect(read.expectations.rows).toHaveLength(2);
  expect(readExpectations(expectationDraft(read.expectations))).toEqual(read);
  expect(readExpectations({ rows: " ", sql: "\n" })).toEqual({ ok: true, expectations: { rows: [], sql: [] } });
});

it("says which text is wrong and why", () => {
  expect(readExpectations({ ...text, rows: "orders" })).toMatchObject({ ok: false, field: "rows" });
  expect(readExpectations({ ...text, sql: "SELECT 1" })).toMatchObject({ ok: false, field: "sql" });
});
