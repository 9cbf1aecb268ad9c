import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ChaosStage, chaosStage } from "./chaos-stage.ts";
import { checkHistory } from "./check-history.ts";
import { describePlan, planHistory } from "./plan-history.ts";
import { playHistory } from "./play-history.ts";
import { SeededRandom } from "./seeded-random.ts";

/** How many histories, and the seed of the first one. By default one: synchronous, with restarts, dead workers and a failover. */
const { TIDEMARK_CHAOS: asked, TIDEMARK_CHAOS_SEED: askedSeed } = process.env;
const histories = Number(asked ?? 1);
const firstSeed = Number(askedSeed ?? (asked === undefined ? 3 : 1));

describe("a history of deaths, cuts and full disks", () => {
  let stage: ChaosStage;

  beforeAll(async () => {
    stage = await chaosStage();
  });

  afterAll(async () => {
    await stage?.[Symbol.asyncDispose]();
  });

  it.each(Array.from({ length: histories }, (_, index) => firstSeed + index))(
    "loses nothing that was reported durable, and brings nothing back from behind the target (seed %i)",
    async (seed) => {
      const plan = planHistory(seed);
      const random = new SeededRandom(seed ^ 0x5eed);
      const again = `${describePlan(plan)}\nagain: TIDEMARK_CHAOS=1 TIDEMARK_CHAOS_SEED=${seed} npm run test:chaos`;
      try {
        await using played = await playHistory(stage, plan, random);
        const { place, told, commits } = played;
        expect(await stage.product.metadata.wal.gaps([place.serverId])).toEqual([]);
        const { problems, durable, restores } = await checkHistory(place, told, commits, random);
        console.log(`seed ${seed}: ${commits.length} commits, ${durable} durable, ${restores} restores`);
        expect(problems).toEqual([]);
        // A history in which nothing was promised would prove nothing; an archiver whose agent is away may have got nowhere.
        if (plan.way !== "push") expect(durable).toBeGreaterThan(0);
      } catch (error) {
        throw new Error(`${again}\n${error instanceof Error ? error.message : String(error)}`, { cause: error });
      }
    },
    240_000,
  );
});
