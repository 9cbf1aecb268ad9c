import { describe, expect, it } from "vitest";
import { localPath, serverPath, signInPath, withParams } from "./paths.ts";

describe("localPath", () => {
  it.each([
    ["/runs/run_1?x=1", "/runs/run_1?x=1"],
    ["//evil.example/x", "/"],
    ["/\\evil.example", "/"],
    ["https://evil.example", "/"],
    ["javascript:alert(1)", "/"],
    ["/login?next=/x", "/"],
    [null, "/"],
    ["/a/../../b", "/b"],
  ])("follows %s as %s", (given, followed) => {
    expect(localPath(given)).toBe(followed);
  });
});

it("leads back after the login to where one wanted to go", () => {
  expect(signInPath("/runs?kind=BACKUP")).toBe("/login?next=%2Fruns%3Fkind%3DBACKUP");
  expect(signInPath("/")).toBe("/login");
});

it("reaches a server named like a page by its id", () => {
  expect(serverPath({ id: "srv_1", name: "add" }, "settings")).toBe("/servers/srv_1/settings");
  expect(serverPath({ id: "srv_1", name: "a b" })).toBe("/servers/a%20b");
});

it("drops empty parameters", () => {
  expect(withParams("/runs", { kind: "", state: null, after: "x" })).toBe("/runs?after=x");
});
