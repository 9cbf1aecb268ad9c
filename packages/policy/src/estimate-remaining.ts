/** One finished act of the same kind on the same server. */
export interface PastRun {
  readonly bytes: number;
  readonly durationMs: number;
}

export interface EstimateRequest {
  /** Finished acts, in any order; failed ones do not belong here. */
  readonly history: readonly PastRun[];
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly elapsedMs: number;
}

/** Milliseconds that remain, as a range: half of comparable runs end within it. */
export interface RemainingRange {
  readonly lowMs: number;
  readonly highMs: number;
}

/**
 * How long the rest will take, from the rates of past runs between their quartiles (p25–p75), drawn towards the rate
 * of this run the further it is. Without history this run's own rate ± 25 % is used once it ran for five seconds.
 * Null when nothing is known yet: better no number than an invented one.
 */
export function estimateRemaining(request: EstimateRequest): RemainingRange | null {
  const { doneBytes, totalBytes, elapsedMs } = request;
  const leftBytes = Math.max(0, totalBytes - doneBytes);
  if (leftBytes === 0) return { lowMs: 0, highMs: 0 };
  const rates = request.history
    .filter((run) => run.bytes > 0 && run.durationMs > 0)
    .map((run) => run.bytes / run.durationMs)
    .sort((left, right) => left - right);
  const ownRate = elapsedMs >= trustOwnAfterMs && doneBytes > 0 ? doneBytes / elapsedMs : null;
  const past = rates.length === 0 ? null : { slow: quantile(rates, 0.25), fast: quantile(rates, 0.75) };
  const own = ownRate === null ? null : { slow: ownRate * (1 - ownSpread), fast: ownRate * (1 + ownSpread) };
  const range = past !== null && own !== null ? blend(past, own, doneBytes / totalBytes) : (past ?? own);
  if (range === null) return null;
  return { lowMs: Math.round(leftBytes / range.fast), highMs: Math.round(leftBytes / range.slow) };
}

interface RateRange {
  readonly slow: number;
  readonly fast: number;
}

function blend(past: RateRange, own: RateRange, share: number): RateRange {
  return { slow: past.slow * (1 - share) + own.slow * share, fast: past.fast * (1 - share) + own.fast * share };
}

/** Linear interpolation between the two nearest of the ascending values. */
function quantile(ascending: readonly number[], share: number): number {
  const position = (ascending.length - 1) * share;
  const low = ascending[Math.floor(position)] ?? 0;
  const high = ascending[Math.ceil(position)] ?? low;
  return low + (high - low) * (position - Math.floor(position));
}

const trustOwnAfterMs = 5_000;
const ownSpread = 0.25;
