/** A look at a slot and at the WAL behind it. */
export interface SlotSample {
  /** Monotonic, in milliseconds. */
  readonly atMs: number;
  /** Where the server's WAL ends. */
  readonly serverLsn: bigint;
}

export interface SlotForecastFacts {
  readonly walBytesPerSecond: number | null;
  /** How much may be written before the server gives up the slot's WAL; null: there is no limit. */
  readonly safeBytes: bigint | null;
  /** Free bytes where pg_wal lies; null: not known. */
  readonly freeBytes: bigint | null;
  readonly now: Date;
}

export interface SlotForecast {
  /** What is reached first if nothing is received from now on. */
  readonly limit: "slot" | "disk";
  readonly at: Date;
}

/**
 * How fast WAL grows, smoothed: one look at a quiet second must not hide a load, nor a burst promise doom. `before` is
 * the last result. A server that was replaced by one that is behind begins anew.
 */
export function walGrowth(before: number | null, earlier: SlotSample | null, later: SlotSample): number | null {
  if (earlier === null || later.serverLsn < earlier.serverLsn) return null;
  const seconds = (later.atMs - earlier.atMs) / 1_000;
  if (seconds <= 0) return before;
  const rate = Number(later.serverLsn - earlier.serverLsn) / seconds;
  if (before === null) return rate;
  const weight = 1 - 2 ** (-seconds / halfLifeSeconds);
  return before + (rate - before) * weight;
}

/** When the slot's WAL is lost, or the disk full, were nothing received from now on; null when nothing tells, or not within a year. */
export function slotForecast({ walBytesPerSecond, safeBytes, freeBytes, now }: SlotForecastFacts): SlotForecast | null {
  const bounds = [
    { limit: "slot" as const, bytes: safeBytes },
    { limit: "disk" as const, bytes: freeBytes },
  ].filter((bound): bound is { limit: "slot" | "disk"; bytes: bigint } => bound.bytes !== null);
  const nearest = bounds.sort((left, right) => (left.bytes < right.bytes ? -1 : 1))[0];
  if (nearest === undefined) return null;
  if (nearest.bytes <= 0n) return { limit: nearest.limit, at: now };
  if (walBytesPerSecond === null || walBytesPerSecond <= 0) return null;
  const ms = (Number(nearest.bytes) / walBytesPerSecond) * 1_000;
  return ms > longestMs ? null : { limit: nearest.limit, at: new Date(now.getTime() + ms) };
}

/** A load that lasts a quarter of an hour counts. */
const halfLifeSeconds = 300;
const longestMs = 365 * 86_400_000;
