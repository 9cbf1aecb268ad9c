import { validateCron } from "./schedule.ts";

/**
 * A schedule as a sentence: `every day at 02:30 (Europe/Berlin)`. The common shapes have words; for any other the
 * expression itself is shown, since a wrong sentence is worse than none. Throws `cron-invalid`.
 */
export function describeSchedule(cron: string, timeZone: string): string {
  validateCron(cron, timeZone);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = cron.trim().split(/\s+/);
  const time = describeTime(minute, hour);
  const days = describeDays(day, month, weekday);
  if (time === null || days === null) return `at the times of "${cron.trim()}" (${timeZone})`;
  if (time.everyDay && days === "every day") return `${time.text} (${timeZone})`;
  if (time.everyDay) return `${time.text}, ${days} (${timeZone})`;
  return `${days} at ${time.text} (${timeZone})`;
}

function describeTime(minute: string, hour: string): { readonly text: string; readonly everyDay: boolean } | null {
  const everyMinutes = /^\*\/(\d+)$/.exec(minute)?.[1];
  if (hour === "*") {
    if (minute === "*") return { text: "every minute", everyDay: true };
    // A step that does not divide the hour is uneven at its end; words would lie about it.
    if (everyMinutes !== undefined && 60 % Number(everyMinutes) === 0) {
      return {
        text: Number(everyMinutes) === 1 ? "every minute" : `every ${Number(everyMinutes)} minutes`,
        everyDay: true,
      };
    }
    return isNumber(minute) ? { text: `every hour ${describePast(minute)}`, everyDay: true } : null;
  }
  const everyHours = /^\*\/(\d+)$/.exec(hour)?.[1];
  if (everyHours !== undefined && isNumber(minute) && 24 % Number(everyHours) === 0 && Number(everyHours) > 1) {
    return { text: `every ${Number(everyHours)} hours ${describePast(minute)}`, everyDay: true };
  }
  if (!isNumber(minute) || !/^\d+(,\d+)*$/.test(hour)) return null;
  return { text: joinWords(hour.split(",").map((one) => `${pad(one)}:${pad(minute)}`)), everyDay: false };
}

function describePast(minute: string): string {
  return Number(minute) === 0 ? "on the hour" : `at ${pad(minute)} minutes past`;
}

function describeDays(day: string, month: string, weekday: string): string | null {
  if (month !== "*") return null;
  const anyDay = day === "*" || day === "?";
  const anyWeekday = weekday === "*" || weekday === "?";
  if (anyDay && anyWeekday) return "every day";
  if (anyDay) {
    if (weekday === "1-5") return "Monday to Friday";
    const names = weekday.split(",").map((one) => weekdayNames.get(one.toUpperCase()));
    return names.every((name) => name !== undefined) ? `every ${joinWords(names)}` : null;
  }
  if (anyWeekday && /^\d+(,\d+)*$/.test(day))
    return `on day ${joinWords(day.split(",").map((one) => `${Number(one)}`))} of every month`;
  return null;
}

function joinWords(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

function isNumber(field: string): boolean {
  return /^\d+$/.test(field);
}

function pad(field: string): string {
  return String(Number(field)).padStart(2, "0");
}

const weekdayOrder = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const weekdayNames = new Map<string, string>(
  weekdayOrder.flatMap((name, index) => [
    [String(index), name] as const,
    [name.slice(0, 3).toUpperCase(), name] as const,
  ]),
);
// cron: 0 and 7 are both Sunday.
weekdayNames.set("7", "Sunday");
