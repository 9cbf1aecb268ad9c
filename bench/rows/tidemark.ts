import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import type { Row, RowContext, RowPlaces, Step } from "./row.ts";

export interface TidemarkVariant {
  readonly name: string;
  readonly compression: "zstd:1" | "none";
  readonly encrypted: boolean;
  /** Reads the data directory itself (low-level backup) instead of streaming. */
  readonly local: boolean;
}

const act = fileURLToPath(new URL("../tidemark-act.ts", import.meta.url));

/** Ourselves: each act in a process of its own, as the command is. */
export function tidemark({ settings, cluster }: RowContext, variant: TidemarkVariant): Row {
  const command = (name: string, places: RowPlaces) => ({
    // As `npm start` runs its workers.
    argv: [process.execPath, ...boundedMemory.nodeFlags, act, name],
    env: {
      ...boundedMemory.environment,
      // As the command finds it after its first run. A folder of ours: the account that measures may not write elsewhere.
      NODE_COMPILE_CACHE: join(settings.workDir, "compiled"),
      BENCH_ACT: JSON.stringify({
        ...variant,
        ...places,
        dsn: cluster.dsn,
        dataDir: cluster.dataDir,
        threads: settings.threads,
      }),
    },
  });
  const isIncremental = (step: Step) => step === "incr" || step === "restore-incr";
  // Increments come over the replication protocol alone.
  const hasIncrements = cluster.major >= 17 && !variant.local;
  return {
    name: variant.name,
    unavailable: null,
    warmUp: (places) => ["init", "full", "verify-whole", "restore-full"].map((name) => command(name, places)),
    prepare: (places) => [command("init", places)],
    step: (step, places) => (isIncremental(step) && !hasIncrements ? null : command(step, places)),
  };
}
