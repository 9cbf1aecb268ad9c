import type { PeriodRule } from "./retention-types.ts";

/** Names the day, week, month or year of an instant: equal for two instants of the same period. */
export type PeriodNamer = (rule: PeriodRule, instant: Date) => string;

/**
 * Periods as the clocks of a time zone count them: `2026-03-01`, `2026-W09` (ISO 8601: from Monday, belonging to the
 * year of its Thursday), `2026-03`, `2026`. Throws RangeError for a zone this machine does not know.
 */
export function periodNamer(timeZone: string): PeriodNamer {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    calendar: "gregory",
    numberingSystem: "latn",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  // Formatting takes microseconds, and a simulation asks for the same instants a thousand times.
  const days = new Map<number, string>();
  return (rule, instant) => {
    const day = days.get(instant.getTime()) ?? dayOf(format, instant);
    days.set(instant.getTime(), day);
    switch (rule) {
      case "daily":
        return day;
      case "weekly":
        return isoWeek(day);
      case "monthly":
        return day.slice(0, -3);
      case "yearly":
        return day.slice(0, -6);
    }
  };
}

function dayOf(format: Intl.DateTimeFormat, instant: Date): string {
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  return `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
}

/** ISO 8601: week 1 is the one with the year's first Thursday. */
function isoWeek(day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const thursday = new Date(date);
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / (7 * 86_400_000)) + 1;
  return `${year}-W${String(week).padStart(2, "0")}`;
}
