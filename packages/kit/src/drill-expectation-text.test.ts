import { describe, expect, it } from "vitest";
import {
  formatRowExpectation,
  formatSqlExpectations,
  parseRowExpectation,
  parseSqlExpectations,
} from "./drill-expectation-text.ts";

describe("the rows a table must have", () => {
  it.each(["shop.public.orders=1000±2.5%", 'shop."Odd.Name"=7', "shop.lines=0"])(
    "%s is read, and written again",
    (text) => expect(formatRowExpectation(parseRowExpectation(text))).toBe(text),
  );

  it("may be written loosely", () =>
    expect(parseRowExpectation(" shop.sales.lines = 9 +- 10% ")).toEqual({
      ...{ database: "shop", table: "sales.lines", rows: 9, tolerancePercent: 10 },
    }));

  it.each(["orders=1", "shop.orders=-1", "shop.orders=1.5", "shop.orders=1±101%", "shop.=1", ""])(
    "%j is refused",
    (text) => expect(() => parseRowExpectation(text)).toThrow(/is needed|at most 100%/),
  );
});

describe("questions", () => {
  it("gives each with its database and the rows it must give", () => {
    const text = `-- written by hand
-- name: nothing is negative
-- database: shop
-- expect: 0
SELECT count(*) FROM invoices -- expect: nothing
 WHERE amount < 0;

-- name: currencies
-- database: money
-- expect: [["EUR", 1, true], [null, 2, false]]
SELECT code, id, used FROM currencies ORDER BY id
`;
    expect(parseSqlExpectations(text)).toEqual([
      {
        ...{ name: "nothing is negative", database: "shop", expected: [["0"]] },
        sql: "SELECT count(*) FROM invoices -- expect: nothing\n WHERE amount < 0",
      },
      {
        ...{ name: "currencies", database: "money", sql: "SELECT code, id, used FROM currencies ORDER BY id" },
        expected: [
          ["EUR", "1", "true"],
          [null, "2", "false"],
        ],
      },
    ]);
  });

  it.each([
    ["SELECT 1", /begins with/],
    ["SELECT 1;\n-- name: x\n", /before the first/],
    ["-- name: x\n-- expect: 1\nSELECT 1", /lacks `-- database:`/],
    ["-- name: x\n-- database: d\nSELECT 1", /lacks `-- expect:`/],
    ["-- name: x\n-- database: d\n-- expect: 1\n;", /has no SQL/],
    ["-- name: x\n-- database: d\n-- expect: [1]\nSELECT 1", /neither one value nor rows/],
  ])("%j is refused", (text, why) => expect(() => parseSqlExpectations(text)).toThrow(why));

  it("are written as they are read", () => {
    const questions = parseSqlExpectations('-- name: a\n-- database: d\n-- expect: [["x", null]]\nSELECT 1,\n 2;\n');
    expect(parseSqlExpectations(formatSqlExpectations([...questions, ...questions]))).toEqual([
      ...questions,
      ...questions,
    ]);
  });
});
