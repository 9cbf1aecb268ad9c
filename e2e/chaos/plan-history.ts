import type { Faults, Major } from "@tidemark/testkit";
import { SeededRandom } from "./seeded-random.ts";

/** What is done, to whom; `forMs`: how long until it is mended. */
export type Blow =
  | { readonly victim: "server"; readonly how: "kill" | "restart" | "failover" }
  | { readonly victim: "worker"; readonly how: "kill" | "pause" }
  | { readonly victim: "agent"; readonly how: "kill" }
  | { readonly victim: "metadata"; readonly how: "kill" }
  | { readonly victim: "redis"; readonly how: "kill" }
  | { readonly victim: "network"; readonly how: keyof Faults; readonly afterBytes: number }
  | { readonly victim: "disk"; readonly how: "fill" };

export type PlannedBlow = Blow & { readonly atMs: number; readonly forMs: number };

/** `mended`: everything works again and catches up. `lost`: the server dies for good while all else is as it is. */
export type HistoryEnd = "mended" | "lost";

/** What happens in one history; the moments are meant, a busy machine is later. */
export interface HistoryPlan {
  readonly seed: number;
  readonly major: Major;
  /** How its WAL comes to the repository: streamed by a worker, pushed by its archiver through an agent, or both. */
  readonly way: "stream" | "push" | "both";
  /** Commits wait for the worker's receiver. */
  readonly synchronous: boolean;
  readonly hasStandby: boolean;
  readonly blows: readonly PlannedBlow[];
  readonly end: HistoryEnd;
}

export function planHistory(seed: number): HistoryPlan {
  const random = new SeededRandom(seed);
  // The first seeds are different enough for three of them to be a sample.
  for (let turn = 0; turn < 5; turn++) random.next();
  const major = random.pick<Major>([18, 18, 18, 17, 16, 15, 14, 13]);
  const way = random.pick(["stream", "stream", "stream", "push", "both"] as const);
  const synchronous = way !== "push" && random.chance(0.5);
  const hasStandby = random.chance(0.5);
  const blows = Array.from({ length: random.between(4, 8) }, () => planBlow(random, way));
  if (hasStandby) blows.push({ victim: "server", how: "failover", ...whenAndHowLong(random, 0, 800, 2_000) });
  blows.sort((left, right) => left.atMs - right.atMs);
  return { seed, major, way, synchronous, hasStandby, blows, end: random.chance(0.5) ? "mended" : "lost" };
}

/** One line, for who reads a failure. */
export function describePlan({ seed, major, way, synchronous, blows, end }: HistoryPlan): string {
  const said = blows.map(({ victim, how, atMs, forMs }) => `${atMs} ms ${victim} ${how} (${forMs} ms)`);
  const mode = `${way}${synchronous ? ", synchronous" : ""}`;
  return `history ${seed}: PostgreSQL ${major}, ${mode}, ${said.join("; ")}; ${end} at the end`;
}

const networkFaults = [
  "cutAfterBytes",
  "resetAfterBytes",
  "stallAfterBytes",
  "halfOpenAfterBytes",
  "garbageAfterBytes",
  "refuse",
  "delayMs",
] as const satisfies readonly (keyof Faults)[];

function planBlow(random: SeededRandom, way: HistoryPlan["way"]): PlannedBlow {
  const streamed = ["worker", "worker", "network", "network"] as const;
  const pushed = ["agent", "agent"] as const;
  const victim = random.pick([
    ...(["server", "server", "metadata", "redis", "disk"] as const),
    ...(way === "push" ? [] : streamed),
    ...(way === "stream" ? [] : pushed),
  ]);
  switch (victim) {
    case "server":
      return { victim, how: random.pick(["kill", "kill", "restart"] as const), ...whenAndHowLong(random, 0, 800) };
    case "worker": {
      const how = random.pick(["kill", "kill", "pause"] as const);
      // Longer than its claim lasts: another one takes over, and this one wakes up behind its back.
      const isLong = how === "pause" && random.chance(0.4);
      return { victim, how, ...whenAndHowLong(random, isLong ? 7_000 : 0, isLong ? 9_000 : 1_500) };
    }
    case "network": {
      const how = random.pick(networkFaults);
      return { victim, how, afterBytes: random.between(0, 300_000), ...whenAndHowLong(random, 300, 2_500) };
    }
    case "disk":
      return { victim, how: "fill", ...whenAndHowLong(random, 200, 2_500) };
    case "agent":
    case "metadata":
    case "redis":
      return { victim, how: "kill", ...whenAndHowLong(random, 0, 2_500) };
  }
}

function whenAndHowLong(random: SeededRandom, shortestMs: number, longestMs: number, earliestMs = 0) {
  return { atMs: random.between(earliestMs, lastBlowMs), forMs: random.between(shortestMs, longestMs) };
}

/** Long enough for most blows to meet one another. */
const lastBlowMs = 6_000;
