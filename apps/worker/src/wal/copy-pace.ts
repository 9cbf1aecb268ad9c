import { setTimeout as delay } from "node:timers/promises";

/**
 * Waits as long as bytes that were brought are worth below a limit in KiB/s, so that copying stays below it on average; null:
 * no limit. Rejects with the signal's reason when it aborts.
 */
export async function keepCopyPace(
  storedBytes: number | bigint,
  maxRateKib: number | null,
  signal: AbortSignal,
): Promise<void> {
  if (maxRateKib === null) return;
  try {
    await delay((Number(storedBytes) / 1024 / maxRateKib) * 1_000, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
