import { expect, it } from "vitest";
import { collectTablespace } from "./tablespace-option.ts";

it("maps one absolute path to another", () => {
  expect(collectTablespace("/a/b=/c", [])).toEqual([{ from: "/a/b", to: "/c" }]);
});

it("takes an escaped equal sign as part of a path", () => {
  expect(collectTablespace("/a\\=b=/c\\=d", [])).toEqual([{ from: "/a=b", to: "/c=d" }]);
});

it.each(["", "/a", "/a=", "=/b", "a=/b", "/a=b", "/a=/b=/c"])("refuses %j and says the form", (text) => {
  expect(() => collectTablespace(text, [])).toThrow(/OLD=NEW/);
});

it("refuses to map one place twice", () => {
  expect(() => collectTablespace("/a=/c", [{ from: "/a", to: "/b" }])).toThrow(/twice/);
});
