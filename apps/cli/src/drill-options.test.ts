import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addDrillOptions, type DrillOptions, drillInput } from "./drill-options.ts";
import { parseSqlExpectations } from "./drill-sql-file.ts";

function input(...args: readonly string[]) {
  const command = addDrillOptions(new Command("drill")).exitOverride();
  command.configureOutput({ writeErr: () => undefined }).parse([...args], { from: "user" });
  return drillInput(command.opts<DrillOptions>());
}

describe("the flags of a drill", () => {
  it("leave to the server's settings what they do not say", async () => expect(await input()).toEqual({}));

  it("say to where, what must be there, and how long", async () => {
    expect(
      await input(
        ...["--target-xid", "4711", "--target-exclusive", "--target-timeline", "2"],
        ...["--expect-rows", "shop.public.orders=1000±2.5%", "--expect-rows", 'shop."Odd.Name"=7'],
        ...["--expect-rows", "shop.sales.lines=9+-10%", "--max-bytes", "5000000000", "--check-seconds", "30"],
      ),
    ).toEqual({
      target: { kind: "XID", xid: "4711", inclusive: false, timeline: 2 },
      expectations: {
        rows: [
          { database: "shop", table: "public.orders", rows: 1000, tolerancePercent: 2.5 },
          { database: "shop", table: '"Odd.Name"', rows: 7, tolerancePercent: 0 },
          { database: "shop", table: "sales.lines", rows: 9, tolerancePercent: 10 },
        ],
        sql: [],
        estimateTolerancePercent: null,
      },
      maxBytes: "5000000000",
      checkSeconds: 30,
    });
    expect(await input("--target-behind", "15m")).toEqual({ behindSeconds: 900 });
  });

  it.each([
    [["--target-behind", "15m", "--target-latest"], /give one/],
    [["--target-behind", "soon"], /30s, 15m/],
    [["--expect-rows", "orders=1"], /database.schema.table/],
    [["--expect-rows", "shop.orders=-1"], /database.schema.table/],
    [["--expect-rows", "shop.orders=1±101%"], /at most 100%/],
    [["--max-bytes", "5GB"], /number of bytes/],
    [["--check-seconds", "0.5"], /whole number/],
    [["--target-exclusive"], /not to where/],
    [["--sql-file", "/nowhere.sql"], /cannot be read/],
  ])("%j are refused", async (args, why) => {
    await expect((async () => input(...args))()).rejects.toThrow(why);
  });
});

describe("a file of questions", () => {
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
    expect(parseSqlExpectations(text, "q.sql")).toEqual([
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
  ])("%j is refused", (text, why) => expect(() => parseSqlExpectations(text, "q.sql")).toThrow(why));
});
