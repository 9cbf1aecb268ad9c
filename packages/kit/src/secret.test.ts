import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "./secret.ts";

it("prints as [secret] everywhere and gives the value only when asked", () => {
  const secret = new Secret("geheim");
  for (const text of [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true }),
  ]) {
    expect(text).toContain("[secret]");
    expect(text).not.toContain("geheim");
  }
  expect(secret.reveal()).toBe("geheim");
});
