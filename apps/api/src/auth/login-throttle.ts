import type { Clock } from "@tidemark/kit";

/**
 * Slows down guessing: after so many failures from one address, or for one name from anywhere, further tries are refused
 * until the oldest of them is old enough. Successful logins count nothing. Kept in memory: each api process counts for itself.
 */
export interface LoginThrottle {
  /** Seconds to wait, or null when a try is welcome. */
  waitSeconds(address: string, name: string): number | null;
  recordFailure(address: string, name: string): void;
  recordSuccess(address: string, name: string): void;
}

/**
 * A name takes more than an address: otherwise anybody who can reach the login page keeps its owner out with ten tries.
 * A hundred tries in a quarter of an hour find no password of ten characters.
 */
export const throttleLimits = { perAddress: 10, perName: 100, windowMs: 15 * 60_000, keysKept: 10_000 } as const;

export function createLoginThrottle(clock: Pick<Clock, "monotonicMs">): LoginThrottle {
  /** Monotonic times of failures, oldest first; keys in order of their last failure. */
  const failures = new Map<string, number[]>();

  const recent = (key: string): number[] => {
    const since = clock.monotonicMs() - throttleLimits.windowMs;
    return (failures.get(key) ?? []).filter((atMs) => atMs > since);
  };
  const countersOf = (address: string, name: string) => [
    { key: `address ${address}`, limit: throttleLimits.perAddress },
    { key: `name ${name.toLowerCase()}`, limit: throttleLimits.perName },
  ];

  return {
    waitSeconds(address, name) {
      const waits = countersOf(address, name).map(({ key, limit }) => {
        const oldestCounted = recent(key).at(-limit);
        if (oldestCounted === undefined) return 0;
        return Math.ceil((oldestCounted + throttleLimits.windowMs - clock.monotonicMs()) / 1000);
      });
      const wait = Math.max(...waits);
      return wait > 0 ? wait : null;
    },
    recordFailure(address, name) {
      for (const { key, limit } of countersOf(address, name)) {
        const times = [...recent(key), clock.monotonicMs()].slice(-limit);
        failures.delete(key);
        failures.set(key, times);
      }
      // Bounded: whoever tries a million names forgets the oldest of them, not the newest.
      for (const key of failures.keys()) {
        if (failures.size <= throttleLimits.keysKept) break;
        failures.delete(key);
      }
    },
    recordSuccess(address, name) {
      for (const { key } of countersOf(address, name)) failures.delete(key);
    },
  };
}
