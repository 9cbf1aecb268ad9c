import type { Clock } from "@tidemark/kit";

/** A clock that stands still until it is moved. */
export interface FakeClock extends Clock {
  /** Moves both clocks forward. */
  advance(durationMs: number): void;
  /** Sets the wall clock alone, as an administrator or NTP would: it may jump back, the monotonic one never does. */
  setWallClock(at: Date): void;
}

export function fakeClock(startAt: Date | string = "2026-01-01T00:00:00Z"): FakeClock {
  let wallMs = new Date(startAt).getTime();
  let monotonicMs = 0;
  return {
    now: () => new Date(wallMs),
    monotonicMs: () => monotonicMs,
    advance: (durationMs) => {
      if (durationMs < 0) throw new RangeError("time does not go back; use setWallClock");
      wallMs += durationMs;
      monotonicMs += durationMs;
    },
    setWallClock: (at) => {
      wallMs = at.getTime();
    },
  };
}
