import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeSynchronousStandbyNames, parseSynchronousStandbyNames } from "./synchronous-standbys.ts";

describe("parseSynchronousStandbyNames", () => {
  it.each([
    ["", "none", 0, []],
    ["a", "priority", 1, ["a"]],
    ["a, b ,c", "priority", 1, ["a", "b", "c"]],
    ["2 (a, b, c)", "priority", 2, ["a", "b", "c"]],
    ["2(a,b)", "priority", 2, ["a", "b"]],
    ["FIRST 2 (a, b)", "priority", 2, ["a", "b"]],
    ["first 1(a)", "priority", 1, ["a"]],
    ["ANY 2 (a, b, c)", "quorum", 2, ["a", "b", "c"]],
    ["aNy\t03\n(a)", "quorum", 3, ["a"]],
    ["*", "priority", 1, ["*"]],
    ["ANY 1 (*)", "quorum", 1, ["*"]],
    ['"any", "FIRST"', "priority", 1, ["any", "FIRST"]],
    ['"a ""quoted"" name, with (marks)"', "priority", 1, ['a "quoted" name, with (marks)']],
    ['""', "priority", 1, [""]],
    // standby_name: NAME | NUM; a number followed by a parenthesis is the count.
    ["1, 2", "priority", 1, ["1", "2"]],
    ["1 (2)", "priority", 1, ["2"]],
    ["1", "priority", 1, ["1"]],
    ["anything, firstly", "priority", 1, ["anything", "firstly"]],
    ["bärlin, _x$1", "priority", 1, ["bärlin", "_x$1"]],
  ])("reads %j", (text, method, count, names) => {
    expect(parseSynchronousStandbyNames(text)).toEqual({ text, method, count, names });
  });

  it.each([
    " ",
    ",",
    "a,",
    "a b",
    "ANY",
    "ANY 2",
    "ANY 2 ()",
    "ANY 2 (a",
    "ANY 2 (a) b",
    "2 (a",
    "0 (a)",
    "FIRST 0 (a)",
    "ANY x (a)",
    "FIRST (a)",
    "first, a",
    "a, any",
    "1a",
    '"open',
    "a-b",
    "$a",
    "(a)",
    "2 (a) (b)",
    "99999999999 (a)",
    "FIRST -1 (a)",
  ])("refuses %j, as the server does", (text) => {
    expect(() => parseSynchronousStandbyNames(text)).toThrowError(expect.objectContaining({ code: "setting-invalid" }));
  });

  it("reads back whatever it writes", () => {
    const name = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0"));
    const wanted = fc.record({
      method: fc.constantFrom("priority" as const, "quorum" as const),
      count: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      names: fc.array(name, { minLength: 1, maxLength: 5 }),
    });
    fc.assert(
      fc.property(wanted, (standbys) => {
        expect(parseSynchronousStandbyNames(encodeSynchronousStandbyNames(standbys))).toMatchObject(standbys);
      }),
    );
    expect(encodeSynchronousStandbyNames({ method: "none", count: 0, names: [] })).toBe("");
  });

  it("either reads or refuses any text, and nothing else", () => {
    const pieces = fc.constantFrom(
      "a",
      "ANY ",
      "first",
      "2",
      "(",
      ")",
      ",",
      '"',
      '""',
      "*",
      " ",
      "\v",
      "é",
      "$",
      "\\",
      "-",
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        try {
          const { names, count } = parseSynchronousStandbyNames(parts.join(""));
          expect(names.length === 0).toBe(count === 0);
        } catch (error) {
          expect(error).toMatchObject({ code: "setting-invalid" });
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
