import { describe, expect, it } from "vitest";
import { isDueInRound, nextTrustRound, trustRounds } from "./trust-round.ts";

const path = (number: number) => new TextEncoder().encode(`base/16384/${number}`);

describe("the round of rolling trust", () => {
  it("gives every file exactly one turn in 28 rounds, whichever round comes first", () => {
    for (let number = 16_384; number < 17_384; number++) {
      const turns = Array.from({ length: trustRounds }, (_, round) => isDueInRound(path(number), round));
      expect(turns.filter(Boolean)).toHaveLength(1);
    }
  });

  it("spreads neighbouring numbers evenly: no round has twice its share of files", () => {
    const due = new Array<number>(trustRounds).fill(0);
    for (let number = 16_384; number < 16_384 + 2800; number++) {
      for (let round = 0; round < trustRounds; round++)
        if (isDueInRound(path(number), round)) due[round] = (due[round] ?? 0) + 1;
    }
    expect(Math.max(...due)).toBeLessThan(200);
    expect(Math.min(...due)).toBeGreaterThan(50);
  });

  it("comes round: the last is followed by the first", () => {
    expect(nextTrustRound(null)).toBe(0);
    expect(nextTrustRound(0)).toBe(1);
    expect(nextTrustRound(trustRounds - 1)).toBe(0);
  });
});
