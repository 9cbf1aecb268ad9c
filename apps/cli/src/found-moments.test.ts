import { describe, expect, it } from "vitest";
import { searchInput } from "./commands/window-find.ts";
import { type FoundMoments, momentsJson, printMoments } from "./found-moments.ts";
import { parseTableName } from "./table-name.ts";
import { captureOutput } from "./test-output.ts";

const moment = {
  ...{ xid: "4000000001", commitAt: "2026-11-01T12:10:00.250Z", commitLsn: "16/B374D848", timeline: 3 },
  restorable: true,
  changes: [
    { kind: "DROPPED", schema: "public", table: "orders", rows: null },
    { kind: "DELETED", schema: "sales", table: "items", rows: 1234 },
  ],
};
const found: FoundMoments = {
  ...{ moments: [moment], limits: [], earlierCluster: false, readBytes: "1", transactions: 2 },
  readUntil: null,
};

describe("what a search found", () => {
  it("is printed with what was done and the command that goes back to before it", () => {
    const { output, written, noted } = captureOutput("table");
    printMoments(output, "main", found);
    expect(written().split("\n")).toEqual([
      "2026-11-01 12:10:00Z  transaction 4000000001  16/B374D848  timeline 3",
      "  dropped public.orders",
      "  deleted 1,234 rows of sales.items",
      "  tidemark restore run main --target-xid 4000000001 --target-exclusive --target-timeline 3 --to DIR",
      "",
    ]);
    expect(noted()).toBe("");
  });

  it("says that there is nothing, what was not searched, and what cannot be undone", () => {
    const { output, written, noted } = captureOutput("table");
    printMoments(output, "main", { ...found, moments: [], limits: ["the WAL has a hole"] });
    expect([written(), noted()]).toEqual([
      "",
      "nothing of the kind was found among 2 transactions\nthe WAL has a hole\n",
    ]);
    printMoments(output, "main", { ...found, moments: [{ ...moment, restorable: false }] });
    expect(written()).toContain("it cannot be undone");
    expect(written()).not.toContain("tidemark restore");
  });

  it("of an earlier cluster goes back by its time, since there are other transactions of that number", () => {
    const json = momentsJson("main", { id: "run_1", state: "SUCCEEDED" }, { ...found, earlierCluster: true });
    expect(json.state).toBe("succeeded");
    expect(json.moments[0]?.changes[0]?.kind).toBe("dropped");
    expect(json.moments[0]?.restore).toBe(
      "tidemark restore run main --target-time 2026-11-01T12:10:00.250Z --target-exclusive --target-timeline 3 --to DIR",
    );
  });
});

describe("the flags of a search", () => {
  const now = new Date("2026-11-02T00:00:00Z");

  it("give a span around a time, or from one to another or to now", () => {
    const around = searchInput({ database: "shop", around: "2026-11-01 13:00+01:00", within: "5" }, now);
    expect(around).toEqual({ database: "shop", from: "2026-11-01T11:55:00.000Z", to: "2026-11-01T12:05:00.000Z" });
    const from = searchInput(
      { database: "shop", from: "2026-11-01T12:00:00Z", table: "sales.orders", leastRows: "7" },
      now,
    );
    expect(from).toEqual({
      ...{ database: "shop", schema: "sales", table: "orders", leastRows: 7 },
      ...{ from: "2026-11-01T12:00:00.000Z", to: "2026-11-02T00:00:00.000Z" },
    });
  });

  it.each([
    [{}, /say when/],
    [{ within: "5", from: "2026-11-01T12:00:00Z" }, /goes with --around/],
    [{ around: "2026-11-01T12:00:00Z", from: "2026-11-01T12:00:00Z" }, /two times/],
    [{ around: "2026-11-01 12:00" }, /no zone/],
    [{ around: "2026-11-01T12:00:00Z", leastRows: "0" }, /--least-rows takes a number/],
  ])("are refused where they make no sense: %j", (options, why) => {
    expect(() => searchInput({ database: "shop", ...options }, now)).toThrow(why);
  });

  it.each([
    ["orders", null, "orders"],
    ["Sales.Orders", "Sales", "Orders"],
    ['"Odd schema"."a.b"', "Odd schema", "a.b"],
    ['"with ""quotes"""', null, 'with "quotes"'],
  ])("take a table as PostgreSQL stores its name: %s", (text, schema, table) => {
    expect(parseTableName(text)).toEqual({ schema, table });
  });

  it.each(["", "a.b.c", ".a", "a.", '"a', '"a"b'])("refuse %j as a table", (text) => {
    expect(() => parseTableName(text)).toThrow(/--table takes a name/);
  });
});
