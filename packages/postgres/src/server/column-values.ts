import { type Lsn, parseLsn } from "../files/lsn.ts";

/**
 * An SQL expression for an instant in milliseconds since 1970: independent of the session's DateStyle and time zone.
 * Null for null.
 */
export function msOf(expression: string): string {
  return `(EXTRACT(epoch FROM ${expression}) * 1000)::float8`;
}

/** The instant of `msOf`'s number. Null for null, for PostgreSQL's infinite ones, and beyond what a Date can hold. */
export function instantOf(ms: number | null): Date | null {
  return ms === null || !Number.isFinite(ms) || Math.abs(ms) > lastInstantMs ? null : new Date(ms);
}

/** The year 275760 (ECMA-262, "Time Values and Time Range"); PostgreSQL's timestamps go on to 294276. */
const lastInstantMs = 8.64e15;

/** An LSN column cast to text. */
export function lsnOf(text: string | null): Lsn | null {
  return text === null ? null : parseLsn(text);
}

/** A count of bytes cast to text; never below 0, where the two positions it lies between were not read at once. */
export function bytesOf(text: string | null): bigint | null {
  if (text === null) return null;
  const bytes = BigInt(text);
  return bytes < 0n ? 0n : bytes;
}
