/** Every time zone the browser knows, UTC first (`supportedValuesOf` leaves it out). */
export function timeZones(): readonly string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((zone) => zone !== "UTC")];
}

/** Schedules most people want, as cron. */
export const presets = [
  { cron: "0 2 * * *", title: "Every day at 02:00" },
  { cron: "0 */6 * * *", title: "Every six hours" },
  { cron: "0 * * * *", title: "Every hour" },
  { cron: "0 2 * * 0", title: "Every Sunday at 02:00" },
  { cron: "0 4 1 * *", title: "On the first of each month at 04:00" },
] as const;
