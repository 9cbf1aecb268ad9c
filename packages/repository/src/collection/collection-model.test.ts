import { afterAll, describe, expect, it } from "vitest";
import { FramePool } from "../packs/frame-pool.ts";
import { type RunSummary, runModel } from "./model/model-run.ts";

/**
 * Random histories of backups (in full and patched), deletions, holds, collections and restores by several processes on
 * hosts whose clocks differ, which stand still or are killed at the named steps, over a store that fails; after every
 * command each promise is checked (model/model-world.ts), and at the end nothing is left that nobody needs.
 *
 * TIDEMARK_MODEL_RUNS: histories of each kind, default 8. TIDEMARK_MODEL_SEED: the first seed, default 1.
 */
const runs = Number(process.env.TIDEMARK_MODEL_RUNS ?? 8);
const firstSeed = Number(process.env.TIDEMARK_MODEL_SEED ?? 1);
const hourMs = 3_600_000;
const graceMs = 24 * hourMs;

const worlds = [
  { name: "a store that refuses a second object of a key", exclusiveCreate: true, skewMs: 30 * 60_000 },
  { name: "a store that writes over what is there", exclusiveCreate: false, skewMs: 30 * 60_000 },
  { name: "hosts whose clocks are days apart", exclusiveCreate: true, skewMs: 60 * hourMs },
] as const;

describe("a repository under random histories", () => {
  const openers = new FramePool({ threads: 1 });
  const all: Partial<Record<keyof RunSummary, number>> = {};
  afterAll(() => openers.close());

  it.each(worlds)("keeps every promise, on $name", { timeout: 60_000 + runs * 10_000 }, async (world) => {
    const total: Record<keyof RunSummary, number> = {
      commits: 0,
      failedCommits: 0,
      removedPacks: 0,
      salvagedBytes: 0,
      evacuations: 0,
      revoked: 0,
      finishedReads: 0,
    };
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const summary = await runModel({ ...world, seed, graceMs, openers, commands: 60 });
      for (const name of Object.keys(total) as (keyof RunSummary)[]) total[name] += summary[name];
    }
    for (const name of Object.keys(total) as (keyof RunSummary)[]) all[name] = (all[name] ?? 0) + total[name];
    if (runs > 100) process.stderr.write(`${world.name}: ${runs} histories, ${JSON.stringify(total)}\n`);
  });

  it.runIf(runs >= 8)("comes to everything it is for", () => {
    for (const [name, count] of Object.entries(all)) expect(count, name).toBeGreaterThan(0);
  });
});
