/** An instant of a row's JSON as a date. */
export function toDate(instant: string): Date {
  return new Date(instant);
}

/** As `toDate`; null stays null. */
export function toDateOrNull(instant: string | null): Date | null {
  return instant === null ? null : new Date(instant);
}
