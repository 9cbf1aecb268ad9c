import { describe, expect, it } from "vitest";
import { canonicalJson, hashValue } from "./canonical-json.ts";

describe("canonicalJson", () => {
  it("is the same text whatever order the members were written in", () => {
    expect(canonicalJson({ b: [1n, { d: 1, c: null }], a: new Date(0) })).toBe(
      '{"a":"1970-01-01T00:00:00.000Z","b":["1",{"c":null,"d":1}]}',
    );
    expect(hashValue({ a: 1, b: 2 })).toBe(hashValue({ b: 2, a: 1 }));
  });

  it("leaves undefined members out and keeps the order of lists", () => {
    expect(canonicalJson({ a: undefined, b: [2, 1] })).toBe('{"b":[2,1]}');
    expect(hashValue([1, 2])).not.toBe(hashValue([2, 1]));
  });

  it("refuses what JSON cannot hold", () => {
    expect(() => canonicalJson({ a: () => 1 })).toThrow(/no JSON form/);
  });
});
