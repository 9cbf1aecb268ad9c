import { type TestServer, testServer } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { type EngineRig, engineRig } from "../engine-rig.ts";
import { generateHistory } from "./generate-history.ts";
import { type HistoryOutcome, runHistory } from "./run-history.ts";

/** How many histories are played on each major, from which on; or which one, and how many of its steps. */
const histories = Number(process.env.TIDEMARK_HISTORIES ?? 2);
const firstHistory = Number(process.env.TIDEMARK_HISTORY_FIRST ?? 1);
const onlySeed = process.env.TIDEMARK_HISTORY_SEED;
const onlyLength = process.env.TIDEMARK_HISTORY_LENGTH;
/** Threads and a repository are made anew now and then, with and without encryption. */
const historiesInRig = 10;

describe.each([17, 18] as const)("generated histories of a server of %i", (major) => {
  it("leave every backup page by page what the server had, and restored ones with its rows", {
    timeout: 600_000 + histories * 120_000,
  }, async () => {
    await using server = await testServer({
      major,
      // 17 without page checksums: hint bits leave no WAL there.
      checksums: major !== 17,
      settings: { autovacuum: false, summarize_wal: true, checkpoint_timeout: "1h", max_wal_size: "2GB" },
      tablespaces: ["fast"],
    });
    const seeds = onlySeed === undefined ? seedsOf(major) : [Number(onlySeed)];
    const outcomes: HistoryOutcome[] = [];
    for (let from = 0; from < seeds.length; from += historiesInRig) {
      await using rig = await engineRig({ encrypted: (from / historiesInRig) % 2 === 0 });
      for (const seed of seeds.slice(from, from + historiesInRig)) outcomes.push(await play(server, rig, seed));
    }
    const sum = (of: "incrementals" | "fulls" | "restores") =>
      outcomes.reduce((total, outcome) => total + outcome[of], 0);
    const reasons = outcomes.flatMap((outcome) => outcome.reasons);
    console.log(
      `PostgreSQL ${major}: ${outcomes.length} histories with ${sum("incrementals")} incremental and ${sum("fulls")} full backups, ${sum("restores")} restored and started; full although an increment was allowed: ${JSON.stringify(reasons)}`,
    );
    if (seeds.length > 1) expect(sum("incrementals")).toBeGreaterThan(0);
  });
});

async function play(server: TestServer, rig: EngineRig, seed: number): Promise<HistoryOutcome> {
  const length = onlyLength === undefined ? 12 + (seed % 30) : Number(onlyLength);
  const outcome = await runHistory(server, rig, generateHistory(seed, length));
  if (histories > 10) console.log(`PostgreSQL ${server.major}, history ${seed}: ${JSON.stringify(outcome)}`);
  return outcome;
}

function seedsOf(major: number): readonly number[] {
  return Array.from({ length: histories }, (_, at) => (firstHistory + at) * 100 + major);
}
