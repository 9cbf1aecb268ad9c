import { AppError, type ErrorCode } from "@tidemark/kit";
import { expect, it } from "vitest";
import { exitCodeFor } from "./exit-code.ts";

it.each<[ErrorCode, number]>([
  ["drill-failed", 1],
  ["plan-stale", 1],
  ["bad-request", 2],
  ["setting-invalid", 2],
  ["api-unreachable", 3],
  ["token-expired", 3],
  ["not-allowed", 3],
  ["not-found", 4],
])("answers %s with %i", (code, expected) => {
  expect(exitCodeFor(new AppError(code, { message: "why" }))).toBe(expected);
});

it("answers what is not ours with 1", () => {
  expect(exitCodeFor(new Error("why"))).toBe(1);
});
