import { describe, expect, it } from "vitest";
import { type PageRequest, planPage, readPage, writeCursor } from "./page.ts";

describe("planPage", () => {
  it.each<[string, PageRequest, string]>([
    ["neither end", {}, "page-size-out-of-range"],
    ["both ends", { first: 1, last: 1 }, "page-size-out-of-range"],
    ["none", { first: 0 }, "page-size-out-of-range"],
    ["101", { first: 101 }, "page-size-out-of-range"],
    ["half a row", { last: 1.5 }, "page-size-out-of-range"],
    ["first with before", { first: 1, before: writeCursor("run_1") }, "bad-request"],
    ["last with after", { last: 1, after: writeCursor("run_1") }, "bad-request"],
    ["a cursor of somebody else", { first: 1, after: "bm9uc2Vuc2U" }, "bad-request"],
    ["a cursor with SQL in it", { first: 1, after: Buffer.from("1:'; DROP").toString("base64url") }, "bad-request"],
  ])("refuses %s", (_, request, code) => {
    expect(() => planPage(request)).toThrow(expect.objectContaining({ code }));
  });

  it("takes 1 to 100 from either end, with null as left out", () => {
    expect(planPage({ first: 100, after: null, last: null })).toEqual({ take: 100, fromEnd: false, beyondId: null });
    expect(planPage({ last: 1, before: writeCursor("run_1") })).toEqual({ take: 1, fromEnd: true, beyondId: "run_1" });
  });
});

describe("readPage", () => {
  const all = ["e", "d", "c", "b", "a"].map((id) => ({ id }));
  /** As Prisma's findMany does it: the cursor's row is skipped, a negative take counts from the end. */
  const source = {
    count: async () => all.length,
    find: async ({ take, cursor }: { take: number; cursor?: { id: string } }) => {
      const at = all.findIndex((row) => row.id === cursor?.id);
      if (take > 0) return all.slice(at + 1, at + 1 + take);
      return (at === -1 ? all : all.slice(0, at)).slice(take);
    },
  };
  const read = async (request: PageRequest) => {
    const page = await readPage(request, source, (row) => row.id);
    return [page.rows.join(""), page.hasPreviousPage, page.hasNextPage];
  };

  it.each<[PageRequest, [string, boolean, boolean]]>([
    [{ first: 2 }, ["ed", false, true]],
    [{ first: 5 }, ["edcba", false, false]],
    [{ first: 2, after: writeCursor("d") }, ["cb", true, true]],
    [{ first: 9, after: writeCursor("c") }, ["ba", true, false]],
    [{ first: 1, after: writeCursor("a") }, ["", true, false]],
    [{ last: 2 }, ["ba", true, false]],
    [{ last: 2, before: writeCursor("b") }, ["dc", true, true]],
    [{ last: 9, before: writeCursor("c") }, ["ed", false, true]],
  ])("%j", async (request, expected) => {
    expect(await read(request)).toEqual(expected);
  });
});
