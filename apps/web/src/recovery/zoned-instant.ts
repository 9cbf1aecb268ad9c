/**
 * Milliseconds since 1970 of a time as a person writes it: `2026-11-21 14:02:31`, the seconds and their fraction if wanted, with an
 * offset (`Z`, `+01:00`) or else by the clock of `zone`. Null for text that is none, and for an hour the zone leaves out in
 * spring. Of an hour that comes twice in autumn the first is meant.
 */
export function parseZonedInstant(text: string, zone: string): number | null {
  const match =
    /^\s*(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,3})\d*)?)?\s*(Z|UTC|[+-]\d{2}(?::?\d{2})?)?\s*$/i.exec(
      text,
    );
  if (match === null) return null;
  const [, date = "", minute = "", second = "00", fraction = "0", offset] = match;
  const wall = Date.parse(`${date}T${minute}:${second}.${fraction.padEnd(3, "0")}Z`);
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 10) !== date) return null;
  if (offset !== undefined) return wall - offsetOf(offset);
  // The offset there is a guess away at most: first with the one an offset earlier would have, then later.
  for (const guess of [wall - zoneOffset(wall - dayMs, zone), wall - zoneOffset(wall + dayMs, zone)]) {
    if (guess + zoneOffset(guess, zone) === wall) return guess;
  }
  return null;
}

/** How far a zone's clock is ahead of UTC at an instant, in milliseconds. */
function zoneOffset(ms: number, zone: string): number {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  }).formatToParts(ms);
  const part = (type: Intl.DateTimeFormatPartTypes) => Number(parts.find((one) => one.type === type)?.value);
  const wall = Date.UTC(part("year"), part("month") - 1, part("day"), part("hour"), part("minute"), part("second"));
  return wall - Math.floor(ms / 1000) * 1000;
}

function offsetOf(offset: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(offset);
  if (match === null) return 0;
  const [, sign, hours = "0", minutes = "0"] = match;
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
}

const dayMs = 86_400_000;
