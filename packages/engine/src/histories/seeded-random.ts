/** Numbers that are the same for the same seed, for ever: what was found once can be run again. */
export interface SeededRandom {
  /** A whole number from 0 up to, not including, `below`. */
  below(below: number): number;
  /** True once in `times`. */
  onceIn(times: number): boolean;
  pick<T>(from: readonly T[]): T;
  /** One of the values, as often as its weight says. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T;
}

/** Mulberry32, public domain: 32 bits of state, more than enough to choose steps. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const random: SeededRandom = {
    below: (below) => next() % below,
    onceIn: (times) => next() % times === 0,
    pick: (from) => {
      const picked = from[next() % from.length];
      if (picked === undefined) throw new RangeError("there is nothing to pick from");
      return picked;
    },
    weighted: (choices) => {
      let at = next() % choices.reduce((sum, [weight]) => sum + weight, 0);
      for (const [weight, value] of choices) {
        if (at < weight) return value;
        at -= weight;
      }
      throw new RangeError("there is nothing to choose from");
    },
  };
  return random;
}
