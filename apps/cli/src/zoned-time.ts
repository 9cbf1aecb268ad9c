import { AppError } from "@tidemark/kit";

/**
 * An instant as a person types it, with its zone: `2026-11-21T14:02:00Z`, `2026-11-21 14:02:00.250+01`, or with the name of
 * a zone behind it, `2026-11-21 14:02 Europe/Berlin`. Throws `bad-request`: without a zone, or where the clocks were put
 * back and the time was there twice, nobody knows which instant is meant.
 */
export function parseZonedTime(text: string): Date {
  const match = form.exec(text.trim());
  if (match === null) throw refused(text, `it is not a time such as ${example}`);
  const [, date = "", time = "", fraction = "", zone] = match;
  if (zone === undefined) throw refused(text, `it has no zone; write it as in ${example}`);
  const local = Date.parse(
    `${date}T${time.length === 5 ? `${time}:00` : time}.${fraction.padEnd(3, "0").slice(0, 3)}Z`,
  );
  // Date.parse takes the 30th of February for a day in March.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(date))
    throw refused(text, "there is no such day or hour");
  if (fraction.length > 3 && /[1-9]/.test(fraction.slice(3)))
    throw refused(text, "milliseconds are the smallest that can be asked for; commits can be named by --target-xid");
  const offset = offsetMinutes(zone);
  if (offset !== null) return new Date(local - offset * 60_000);
  return new Date(onlyInstant(text, local, zone));
}

const example = "2026-11-21T14:02:00Z, 2026-11-21 14:02:00+01:00 or 2026-11-21 14:02 Europe/Berlin";
const form =
  /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d{1,9}))?(?:\s*(Z|[+-]\d\d(?::?\d\d)?|[A-Za-z][\w+-]*(?:\/[\w+-]+)*))?$/i;

/** Null: it is the name of a zone. */
function offsetMinutes(zone: string): number | null {
  if (/^(?:z|utc)$/i.test(zone)) return 0;
  const match = /^([+-])(\d\d):?(\d\d)?$/.exec(zone);
  if (match === null) return null;
  const minutes = Number(match[2]) * 60 + Number(match[3] ?? 0);
  return match[1] === "-" ? -minutes : minutes;
}

/** A zone's offset is known for instants, not for local times: those a day before and after are tried. */
function onlyInstant(text: string, local: number, zone: string): number {
  const format = zoneFormat(text, zone);
  const offsets = [-dayMs, 0, dayMs].map((away) => offsetAt(format, local + away));
  const instants = [...new Set(offsets.map((offset) => local - offset))].filter(
    (instant) => instant + offsetAt(format, instant) === local,
  );
  const [only] = instants;
  if (only === undefined) throw refused(text, "the clocks were put forward there: that hour was not");
  if (instants.length > 1) {
    const both = instants.map((instant) => new Date(instant).toISOString()).join(" or ");
    throw refused(text, `the clocks were put back there: it is ${both}`);
  }
  return only;
}

function zoneFormat(text: string, timeZone: string): Intl.DateTimeFormat {
  const parts = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" } as const;
  try {
    return new Intl.DateTimeFormat("en-CA", { timeZone, ...parts, second: "2-digit", hourCycle: "h23" });
  } catch (error) {
    if (error instanceof RangeError) throw refused(text, `there is no time zone ${timeZone}`);
    throw error;
  }
}

/** Local time less UTC, in ms. */
function offsetAt(format: Intl.DateTimeFormat, instant: number): number {
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const part = (name: Intl.DateTimeFormatPartTypes): string => parts.get(name) ?? "";
  const wall = `${part("year")}-${part("month")}-${part("day")}T${part("hour")}:${part("minute")}:${part("second")}Z`;
  return Date.parse(wall) - Math.floor(instant / 1000) * 1000;
}

const dayMs = 86_400_000;

function refused(text: string, why: string): AppError {
  return new AppError("bad-request", { message: `"${text}" cannot be used as a time: ${why}` });
}
