import { describe, expect, it } from "vitest";
import { refuseForeignOrigin } from "./origin.ts";

const own = {
  method: "POST",
  ownOrigin: "http://127.0.0.1:7400",
  origin: undefined,
  secFetchSite: undefined,
  hasCookie: true,
};
const publicUrl = new URL("https://tidemark.example.com/");

describe("refuseForeignOrigin", () => {
  it.each([
    ["a program that names no origin", {}],
    ["a page of ours", { origin: "http://127.0.0.1:7400", secFetchSite: "same-origin" }],
    ["a page at the public address", { origin: "https://tidemark.example.com" }],
    ["reading", { method: "GET", origin: "https://evil.example" }],
    ["a token, which no foreign page has", { hasCookie: false, secFetchSite: "cross-site" }],
  ])("lets %s pass", (_what, change) => {
    expect(() => refuseForeignOrigin({ ...own, ...change }, publicUrl)).not.toThrow();
  });

  it.each([
    ["another site", { origin: "https://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:3000" }],
    ["the same address without TLS", { origin: "http://tidemark.example.com" }],
    ["a sandboxed page", { origin: "null" }],
    ["a cross-site request that hides its origin", { secFetchSite: "cross-site" }],
    ["a sibling domain", { secFetchSite: "same-site" }],
  ])("refuses %s", (_what, change) => {
    expect(() => refuseForeignOrigin({ ...own, ...change }, publicUrl)).toThrow(/are refused/);
  });
});
