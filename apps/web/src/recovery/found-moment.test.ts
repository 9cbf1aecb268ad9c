import { describe, expect, it } from "vitest";
import { changeText, foundText, readTableName, restoreBeforePath, spanAround } from "./found-moment.ts";
import type { FoundMoment, FoundMoments } from "./found-moments-fields.ts";

const moment: FoundMoment = {
  ...{ xid: "4000000001", commitAt: "2026-11-01T12:10:00.250Z", commitLsn: "16/B374D848", timeline: 3 },
  restorable: true,
  changes: [{ kind: "DELETED", schema: "sales", table: "items", rows: 1234 }],
};
const server = { id: "srv_1", name: "main" };

describe("a moment that was found", () => {
  it("leads to a restore to just before its transaction, with where that ended so that nobody searches again", () => {
    expect(restoreBeforePath(server, moment, false)).toBe(
      "/servers/main/restore?xid=4000000001&lsn=16%2FB374D848&inclusive=false&timeline=3",
    );
  });

  it("of an earlier cluster leads to its time, since there are other transactions of that number", () => {
    const path = restoreBeforePath(server, moment, true);
    expect(new URL(path, "http://x").searchParams.get("at")).toBe("2026-11-01T12:10:00.250Z");
    expect(path).not.toContain("xid");
  });

  it.each([
    ["DELETED", 1234, "Deleted 1,234 rows of sales.items"],
    ["UPDATED", 1, "Updated 1 row of sales.items"],
    ["DELETED", null, "Deleted rows of sales.items"],
    ["DROPPED", null, "Dropped sales.items"],
    ["TRUNCATED", null, "Emptied sales.items (TRUNCATE)"],
    ["DATABASE_DROPPED", null, "Dropped the database"],
  ] as const)("says what was done: %s of %s", (kind, rows, text) => {
    expect(changeText({ kind, schema: "sales", table: "items", rows })).toBe(text);
  });

  it("is told apart from nothing", () => {
    const found: FoundMoments = {
      ...{ moments: [moment], limits: [], earlierCluster: false, readBytes: "1", transactions: 1 },
      readUntil: null,
    };
    expect(foundText(found)).toBe("1 found among 1 transaction.");
    expect(foundText({ ...found, moments: [], transactions: 2000 })).toBe(
      "Nothing of the kind was found among 2,000 transactions.",
    );
  });
});

it("spans as much before as after", () => {
  expect(spanAround(Date.parse("2026-11-01T12:00:00Z"), 60_000)).toEqual({
    from: "2026-11-01T11:59:00.000Z",
    to: "2026-11-01T12:01:00.000Z",
  });
});

it("reads a table's name as PostgreSQL stores it", () => {
  expect(readTableName(" orders ")).toEqual({ table: "orders" });
  expect(readTableName("Sales.Orders")).toEqual({ schema: "Sales", table: "Orders" });
  expect(readTableName('"Odd schema"."a.b"')).toEqual({ schema: "Odd schema", table: "a.b" });
  for (const wrong of ["", "a.b.c", ".a", "a.", '"a']) expect(readTableName(wrong)).toBeNull();
});
