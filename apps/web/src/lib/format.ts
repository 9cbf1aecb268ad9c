import { formatAge, formatBytes, formatDuration } from "@tidemark/kit/units";

/** What stands where a fact is not known (yet). */
export const unknown = "–";

/** Bytes as the api sends them (a decimal string), in IEC units. */
export function bytes(value: string | null | undefined): string {
  return value === null || value === undefined ? unknown : formatBytes(BigInt(value));
}

/** The exact number with separators, for a tooltip. */
export function exactBytes(value: string | null | undefined): string | undefined {
  return value === null || value === undefined ? undefined : `${BigInt(value).toLocaleString("en")} bytes`;
}

export function duration(durationMs: number | null | undefined): string {
  return durationMs === null || durationMs === undefined ? unknown : formatDuration(durationMs);
}

export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? unknown : value.toLocaleString("en");
}

export function rate(bytesPerSecond: number | null | undefined): string {
  return bytesPerSecond === null || bytesPerSecond === undefined ? unknown : `${formatBytes(bytesPerSecond)}/s`;
}

/** `3 min ago`, `in 2 h`. Within a second of now it is `now`. */
export function relativeTime(at: Date, now: Date): string {
  const differenceMs = now.getTime() - at.getTime();
  if (Math.abs(differenceMs) < 1000) return "now";
  return differenceMs > 0 ? `${formatAge(differenceMs)} ago` : `in ${formatAge(-differenceMs)}`;
}

/** `2026-11-21 02:00:14 CET`: the calendar of the zone, always with the zone's name. */
export function absoluteTime(at: Date, zone: string): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "short",
  }).formatToParts(at);
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.find((p) => p.type === type)?.value ?? "";
  return `${part("year")}-${part("month")}-${part("day")} ${part("hour")}:${part("minute")}:${part("second")} ${part("timeZoneName")}`;
}

/** A zone as this browser knows it; null for one it does not, as the POSIX forms (`<+03>-03`) a server may have. */
export function knownZone(zone: string): string | null {
  try {
    new Intl.DateTimeFormat("en-GB", { timeZone: zone });
    return zone;
  } catch {
    return null;
  }
}

/** `Sun 2026-11-22 02:00 CET`: a coming time of a schedule, where the weekday matters and the second does not. */
export function scheduledTime(at: Date, zone: string): string {
  const weekday = new Intl.DateTimeFormat("en-GB", { timeZone: zone, weekday: "short" }).format(at);
  return `${weekday} ${absoluteTime(at, zone).replace(/:\d\d (?=\S+$)/, " ")}`;
}

/** The time left as a range: `about 2 min – 4 min`, `about 3 min`, or that nobody can say yet. */
export function etaRange(lowMs: number | null | undefined, highMs: number | null | undefined): string {
  if (lowMs === null || lowMs === undefined || highMs === null || highMs === undefined) return "no estimate yet";
  const low = roughDuration(lowMs);
  const high = roughDuration(highMs);
  return low === high ? `about ${low}` : `${low} – ${high}`;
}

function roughDuration(durationMs: number): string {
  const seconds = Math.max(1, Math.round(durationMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`;
}

/** How far, 0–100, or null when the end is not known. */
export function percent(done: string | null | undefined, total: string | null | undefined): number | null {
  if (done === null || done === undefined || total === null || total === undefined) return null;
  const end = BigInt(total);
  if (end <= 0n) return null;
  const share = Number((BigInt(done) * 1000n) / end) / 10;
  return Math.min(100, Math.max(0, share));
}

/** A sentence of the api at the beginning of a line: with a capital. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const abbreviations = /\b(wal|lsn|tls|dns|sql|id)\b/gi;

/** `RESTORE_PLAN` → `Restore plan`; `walRange` → `WAL range`: an enum or a key as a person reads it. */
export function words(name: string): string {
  const spaced = name
    .replaceAll(/[_-]+/g, " ")
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
  return sentence(spaced).replaceAll(abbreviations, (word) => word.toUpperCase());
}

/** `1 backup`, `3 backups`. */
export function plural(amount: number, noun: string): string {
  return `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;
}
