/** An instant to the minute, as sentences that people read say it: `2026-03-01 02:00 UTC`. */
export function minuteText(at: Date): string {
  return `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}
