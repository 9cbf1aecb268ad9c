import { describe, expect, it } from "vitest";
import { checkPath, localPath, serverPath, serverTabOf, signInPath, withParams } from "./paths.ts";

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

it("knows the part of a server's page, whatever the server is called", () => {
  expect(serverTabOf("/servers/billing")).toBe("overview");
  expect(serverTabOf("/servers/billing/readiness")).toBe("readiness");
  expect(serverTabOf("/servers/backups")).toBe("overview");
  expect(serverTabOf("/servers/backups/server")).toBe("server");
});

it("leads to one check of a server", () => {
  expect(checkPath({ id: "srv_1", name: "a b" }, "full-page-writes")).toBe(
    "/servers/a%20b/readiness#check-full-page-writes",
  );
});

it("drops empty parameters", () => {
  expect(withParams("/runs", { kind: "", state: null, after: "x" })).toBe("/runs?after=x");
});
