import { AppError, type ErrorCode, errorCodes } from "@tidemark/kit";
import { expect, it } from "vitest";
import { isStoreTrouble } from "./store-trouble.ts";

it("is every code of a store but the full one, and none of an object", () => {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  const found = codes.filter((code) => isStoreTrouble(new AppError(code, { message: "" })));
  expect(found).toEqual(codes.filter((code) => code.startsWith("storage-") && code !== "storage-full"));
  expect(found.length).toBeGreaterThan(10);
  expect(isStoreTrouble(new Error("storage-failed"))).toBe(false);
});
