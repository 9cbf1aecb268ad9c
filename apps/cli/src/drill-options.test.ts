import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { addDrillOptions, type DrillOptions, drillInput } from "./drill-options.ts";

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
