/**
 * An SQL expression for an instant in milliseconds since 1970: independent of the session's DateStyle and time zone.
 * Null for null.
 */
export function msOf(expression: string): string {
  return `(EXTRACT(epoch FROM ${expression}) * 1000)::float8`;
}

/** The instant of `msOf`'s number. Null for null and for PostgreSQL's infinite ones. */
export function instantOf(ms: number | null): Date | null {
  return ms === null || !Number.isFinite(ms) ? null : new Date(ms);
}
