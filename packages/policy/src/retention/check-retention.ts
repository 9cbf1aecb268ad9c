import { AppError } from "@tidemark/kit";
import { isTimeZone } from "../time-zone.ts";
import { periodRules, type RetentionPolicy } from "./retention-types.ts";

/** Throws `policy-invalid` naming every value that makes no sense. */
export function checkRetentionPolicy(policy: RetentionPolicy): void {
  const problems: string[] = [];
  if (policy.keepLast !== null && !isCount(policy.keepLast, 1))
    problems.push("keep last must be a whole number from 1");
  if (policy.windowDays !== null && !(policy.windowDays > 0 && policy.windowDays <= longestWindowDays)) {
    problems.push(`the window must be more than 0 and at most ${longestWindowDays} days`);
  }
  for (const rule of periodRules) {
    const count = policy[rule];
    if (count !== null && !isCount(count, 1)) problems.push(`keep ${rule} must be a whole number from 1`);
  }
  if (!isCount(policy.minimum, 0)) problems.push("the minimum must be a whole number from 0");
  if (!isTimeZone(policy.timeZone)) {
    problems.push(
      `${policy.timeZone === "" ? "an empty name" : policy.timeZone} is not a time zone this machine knows`,
    );
  }
  if (problems.length === 0) return;
  throw new AppError("policy-invalid", {
    message: `the retention policy cannot be used: ${problems.join("; ")}`,
    hint: "nothing was deleted",
  });
}

/** No rule is set: everything stays. */
export function keepsEverything(policy: RetentionPolicy): boolean {
  return policy.keepLast === null && policy.windowDays === null && periodRules.every((rule) => policy[rule] === null);
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

/** A century: longer is a typing error, and far longer would leave the range of Date. */
const longestWindowDays = 36_525;
