/** Time is a dependency: only this file reads the machine's clocks. */
export interface Clock {
  /** Wall clock. May jump in both directions; never measure durations with it. */
  now(): Date;
  /** Monotonic milliseconds from an arbitrary origin; for durations and timeouts. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
};
