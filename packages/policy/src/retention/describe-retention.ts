import { keepsEverything } from "./check-retention.ts";
import { type PeriodRule, periodRules, type RetentionPolicy } from "./retention-types.ts";

/** The policy in one sentence, as pages and the command show it. */
export function describeRetention(policy: RetentionPolicy): string {
  if (keepsEverything(policy)) return "every backup is kept";
  const parts: string[] = [];
  if (policy.keepLast !== null)
    parts.push(policy.keepLast === 1 ? "the newest backup" : `the newest ${policy.keepLast} backups`);
  if (policy.windowDays !== null) parts.push(`all that the last ${countDays(policy.windowDays)} need`);
  for (const rule of periodRules) {
    const count = policy[rule];
    if (count !== null) parts.push(`one for each of ${count === 1 ? "the newest" : `${count}`} ${nounOf(rule, count)}`);
  }
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join("");
  const zone = usesPeriods(policy) && policy.timeZone !== "UTC" ? ` (${policy.timeZone})` : "";
  const floor = policy.minimum > 0 ? `, never fewer than ${policy.minimum}` : "";
  return `keeps ${list}${zone}${floor}`;
}

/** `7 days`, `day`. */
export function countDays(days: number): string {
  return days === 1 ? "day" : `${days} days`;
}

function usesPeriods(policy: RetentionPolicy): boolean {
  return periodRules.some((rule) => policy[rule] !== null);
}

function nounOf(rule: PeriodRule, count: number): string {
  const noun = { daily: "day", weekly: "week", monthly: "month", yearly: "year" }[rule];
  return count === 1 ? noun : `${noun}s`;
}
