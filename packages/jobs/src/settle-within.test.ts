import { expect, it } from "vitest";
import { settleWithin } from "./settle-within.ts";

it("tells what settled from what hangs, and passes errors on", async () => {
  const errors: unknown[] = [];
  const note = (error: unknown) => void errors.push(error);
  expect(await settleWithin(1_000, Promise.resolve(), note)).toBe(true);
  expect(await settleWithin(1_000, Promise.reject(new Error("gone")), note)).toBe(true);
  expect(await settleWithin(5, new Promise(() => undefined), note)).toBe(false);
  expect(errors).toEqual([new Error("gone")]);
});
