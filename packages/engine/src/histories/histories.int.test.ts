import { testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { engineRig } from "../engine-rig.ts";
import { generateHistory } from "./generate-history.ts";
import { runHistory } from "./run-history.ts";

/** How many histories are played on each major, from which seed on, and how long each is. */
const histories = Number(process.env.TIDEMARK_HISTORIES ?? 3);
const onlySeed = process.env.TIDEMARK_HISTORY_SEED;
const firstSeed = Number(process.env.TIDEMARK_HISTORY_FIRST ?? 1);
const onlyLength = process.env.TIDEMARK_HISTORY_LENGTH;

describe.each([17, 18] as const)("generated histories of a server of %i", (major) => {
  it(
    "leave every backup page by page what the server had, and restored ones with its rows",
    async () => {
      await using server = await testServer({
        major,
        // 17 without page checksums: hint bits leave no WAL there.
        checksums: major !== 17,
        settings: { autovacuum: false, summarize_wal: true, checkpoint_timeout: "1h", max_wal_size: "2GB" },
        tablespaces: ["fast"],
      });
      const tally = { incrementals: 0, fulls: 0, restores: 0, reasons: new Map<string, number>() };
      const seeds = onlySeed === undefined ? seedsOf(major) : [Number(onlySeed)];
      for (const seed of seeds) {
        const plan = generateHistory(seed, onlyLength === undefined ? 12 + (seed % 30) : Number(onlyLength));
        await using rig = await engineRig({ encrypted: seed % 2 === 0 });
        const outcome = await runHistory(server, rig, plan);
        tally.incrementals += outcome.incrementals;
        tally.fulls += outcome.fulls;
        tally.restores += outcome.restores;
        for (const reason of outcome.reasons) tally.reasons.set(reason, (tally.reasons.get(reason) ?? 0) + 1);
        if (histories > 10) console.log(`PostgreSQL ${major}, history ${seed}: ${JSON.stringify(outcome)}`);
      }
      console.log(
        `PostgreSQL ${major}: ${seeds.length} histories, ${JSON.stringify({ ...tally, reasons: [...tally.reasons] })}`,
      );
      expect(tally.incrementals).toBeGreaterThan(0);
    },
    600_000 + histories * 60_000,
  );
});

function seedsOf(major: number): readonly number[] {
  return Array.from({ length: histories }, (_, at) => (firstSeed + at) * 100 + major);
}
