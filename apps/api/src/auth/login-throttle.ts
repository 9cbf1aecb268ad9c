import type { Clock } from "@tidemark/kit";

/**
 * Slows down guessing: after so many failures from one address, or for one name, further tries are refused until the
 * oldest of them is old enough. Successful logins count nothing. Kept in memory: each api process counts for itself.
 */
export interface LoginThrottle {
  /** Seconds to wait, or null when a try is welcome. */
  waitSeconds(address: string, name: string): number | null;
  recordFailure(address: string, name: string): void;
  recordSuccess(address: string, name: string): void;
}

export const throttleLimits = { failures: 10, windowMs: 15 * 60_000, namesKept: 10_000 } as const;

export function createLoginThrottle(clock: Pick<Clock, "monotonicMs">): LoginThrottle {
  /** Monotonic times of failures, oldest first; keys in order of their last failure. */
  const failures = new Map<string, number[]>();

  const recent = (key: string): number[] => {
    const since = clock.monotonicMs() - throttleLimits.windowMs;
    return (failures.get(key) ?? []).filter((atMs) => atMs > since);
  };
  const keysOf = (address: string, name: string) => [`address ${address}`, `name ${name.toLowerCase()}`];

  return {
    waitSeconds(address, name) {
      const waits = keysOf(address, name).map((key) => {
        const times = recent(key);
        const oldestCounted = times.at(-throttleLimits.failures);
        if (oldestCounted === undefined) return 0;
        return Math.ceil((oldestCounted + throttleLimits.windowMs - clock.monotonicMs()) / 1000);
      });
      const wait = Math.max(...waits);
      return wait > 0 ? wait : null;
    },
    recordFailure(address, name) {
      for (const key of keysOf(address, name)) {
        const times = [...recent(key), clock.monotonicMs()].slice(-throttleLimits.failures);
        failures.delete(key);
        failures.set(key, times);
      }
      // Bounded: whoever tries a million names forgets the oldest of them, not the newest.
      for (const key of failures.keys()) {
        if (failures.size <= throttleLimits.namesKept) break;
        failures.delete(key);
      }
    },
    recordSuccess(address, name) {
      for (const key of keysOf(address, name)) failures.delete(key);
    },
  };
}
