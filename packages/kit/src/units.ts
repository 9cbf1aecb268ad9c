/** Human forms of quantities. Pure and free of Node, so that the dashboard uses the same ones (`@tidemark/kit/units`). */

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

/** Bytes in IEC units with three significant digits: `0 B`, `1.50 KiB`, `123 MiB`. */
export function formatBytes(sizeBytes: bigint | number): string {
  let value = Number(sizeBytes);
  const sign = value < 0 ? "-" : "";
  value = Math.abs(value);
  let unit = 0;
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  const digits = unit === 0 ? 0 : value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${sign}${value.toFixed(digits)} ${byteUnits[unit] ?? "B"}`;
}

/** A share of 1 in per cent: `71.4 %`. Never rounded up to all of it, nor down to nothing. */
export function formatShare(share: number): string {
  return tenthsText(Math.floor(share * 1000), share > 0);
}

/**
 * The shares of parts in their whole, `71.4 %` each, which add up to 100 % as they are printed: what rounding left over goes
 * to those that lost the most by it.
 */
export function formatShares(parts: readonly bigint[]): string[] {
  const total = parts.reduce((sum, part) => sum + part, 0n);
  if (total === 0n) return parts.map(() => tenthsText(0, false));
  const tenths = parts.map((part) => Number((part * 1000n) / total));
  const byLoss = [...parts.keys()].sort((a, b) => Number(lossOf(parts[b], total) - lossOf(parts[a], total)));
  let left = 1000 - tenths.reduce((sum, one) => sum + one, 0);
  for (const index of byLoss) {
    const next = (tenths[index] ?? 0) + 1;
    // Nothing is all of it beside something else, however little that is.
    if (left <= 0 || next >= 1000) continue;
    tenths[index] = next;
    left--;
  }
  return tenths.map((one, index) => tenthsText(one, (parts[index] ?? 0n) > 0n));
}

function lossOf(part: bigint | undefined, total: bigint): bigint {
  return ((part ?? 0n) * 1000n) % total;
}

function tenthsText(tenths: number, isSomething: boolean): string {
  return tenths === 0 && isSomething ? "under 0.1 %" : `${tenths / 10} %`;
}

/** A duration to two units: `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `4 d 3 h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 0) return `-${formatDuration(-durationMs)}`;
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joinUnits(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return joinUnits(hours, "h", minutes % 60, "min");
  return joinUnits(Math.floor(hours / 24), "d", hours % 24, "h");
}

function joinUnits(major: number, majorUnit: string, minor: number, minorUnit: string): string {
  return minor === 0 ? `${major} ${majorUnit}` : `${major} ${majorUnit} ${minor} ${minorUnit}`;
}

/** An age to one unit, always at least a second: `1 s`, `3 min`, `2 h`, `4 d`. An age below zero (a clock that jumped back) counts as one second. */
export function formatAge(ageMs: number): string {
  const seconds = Math.max(1, Math.floor(ageMs / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Reads a duration as `formatDuration` writes it, in milliseconds, blanks or not: `90 s`, `5min`, `1 h 30 min`, `2d`. Null for anything else. */
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (!/^(\d{1,9}\s*(ms|s|min|m|h|d)\s*)+$/.test(trimmed)) return null;
  let durationMs = 0;
  for (const [, count, unit] of trimmed.matchAll(/(\d+)\s*(ms|s|min|m|h|d)/g)) {
    durationMs += Number(count) * (durationUnits[unit ?? ""] ?? 0);
  }
  return durationMs;
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
