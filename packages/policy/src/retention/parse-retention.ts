import { AppError } from "@tidemark/kit";
import { keepEverything, type RetentionPolicy } from "./retention-types.ts";

/**
 * Reads a retention as other tools write it:
 *
 * - pgmoneta's `retention`: days, weeks, months, years, for example `7,4,12,5`. `-`, `x`, `X`, `0` and an empty place
 *   mean none, and places may be left out at the end. All of the days are kept; of the weeks, months and years one
 *   backup each, here the newest (pgmoneta wants one taken on a Monday, on a month's or year's first day).
 * - Barman's `retention_policy`: `REDUNDANCY 3`, or `RECOVERY WINDOW OF 7 DAYS` (also WEEKS, MONTHS; singular or plural,
 *   any case; a month counts 31 days, as in Barman).
 *
 * Throws `policy-invalid`.
 */
export function parseRetention(text: string): RetentionPolicy {
  const trimmed = text.trim();
  const redundancy = /^redundancy\s+(\d{1,9})$/i.exec(trimmed);
  if (redundancy !== null) {
    const count = countOf(redundancy[1] as string, text);
    return { ...keepEverything, keepLast: count };
  }
  const window = /^recovery\s+window\s+of\s+(\d{1,9})\s+(day|week|month)s?$/i.exec(trimmed);
  if (window !== null) {
    const days = { day: 1, week: 7, month: 31 }[(window[2] as string).toLowerCase() as "day" | "week" | "month"];
    return { ...keepEverything, windowDays: countOf(window[1] as string, text) * days };
  }
  return parsePlaces(trimmed, text);
}

function parsePlaces(trimmed: string, text: string): RetentionPolicy {
  const places = trimmed.split(",").map((place) => place.trim());
  if (places.length > 4) throw invalid(text, "it has more than four places (days, weeks, months, years)");
  const [days, weeks, months, years] = places.map((place) => placeOf(place, text));
  const policy = {
    ...keepEverything,
    windowDays: days ?? null,
    weekly: weeks ?? null,
    monthly: months ?? null,
    yearly: years ?? null,
  };
  if ([days, weeks, months, years].every((place) => place == null)) throw invalid(text, "it keeps nothing");
  return policy;
}

function placeOf(place: string, text: string): number | null {
  if (["", "-", "x", "X", "0"].includes(place)) return null;
  if (!/^\d{1,9}$/.test(place)) throw invalid(text, `${JSON.stringify(place)} is no number of periods`);
  return countOf(place, text);
}

function countOf(digits: string, text: string): number {
  const count = Number(digits);
  if (count < 1) throw invalid(text, "it keeps nothing");
  return count;
}

function invalid(text: string, why: string): AppError {
  return new AppError("policy-invalid", {
    message: `the retention ${JSON.stringify(text.slice(0, 100))} cannot be read: ${why}`,
    hint: 'write days, weeks, months and years as "7,4,12,5" ("-" for none), or "REDUNDANCY 3", or "RECOVERY WINDOW OF 7 DAYS"',
  });
}
