import { expect, it } from "vitest";
import { readStartSettings } from "./config.ts";

it("names every wrong setting at once, and misspelt ones", () => {
  const read = () => readStartSettings({ PORT: "abc", TIDEMARK_DMEO: "1", DATABASE_URL: "mysql://x" }, "/clone");
  expect(read).toThrow(/TIDEMARK_DMEO is not a setting we know/);
  expect(read).toThrow(/PORT: must be a number/);
  expect(read).toThrow(/DATABASE_URL: must begin with postgresql/);
});

it("puts the home into the clone and listens on loopback unless told otherwise", () => {
  expect(readStartSettings({}, "/clone")).toMatchObject({
    home: "/clone/.tidemark",
    host: "127.0.0.1",
    port: 7400,
    demo: true,
    given: [],
  });
});

it("refuses an option it does not know", () => {
  expect(() => readStartSettings({}, "/clone", ["--resetadmin"])).toThrow(/is not an option/);
});
