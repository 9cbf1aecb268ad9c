import { AppError } from "@tidemark/kit";
import { expect, it } from "vitest";
import { BackOff } from "./back-off.ts";

const lost = new AppError("connection-lost", { message: "lost" });
const wrong = new AppError("password-wrong", { message: "wrong" });

it("comes back at once, then less and less often, and never gives up", () => {
  const backOff = new BackOff({ longestMs: 5_000, random: () => 1 });
  const pauses = Array.from({ length: 40 }, () => backOff.next(lost));
  expect(pauses.slice(0, 7)).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000]);
  expect(pauses.at(-1)).toBe(5_000);
  expect(backOff.next(wrong)).toBe(30_000);
  backOff.reset();
  expect(backOff.next(lost)).toBe(100);
});

it("spreads those who lost the same server", () => {
  const pause = (random: number) => new BackOff({ longestMs: 5_000, random: () => random }).next(lost);
  expect([pause(0), pause(0.5), pause(1)]).toEqual([50, 75, 100]);
});
