import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import type { Row, RowContext, RowPlaces } from "./row.ts";

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
      BENCH_ACT: JSON.stringify({
        ...variant,
        ...places,
        dsn: cluster.dsn,
        dataDir: cluster.dataDir,
        threads: settings.threads,
      }),
    },
  });
  return {
    name: variant.name,
    unavailable: null,
    prepare: (places) => [command("init", places)],
    step: (step, places) => (step === "incr" && cluster.major < 17 ? null : command(step, places)),
  };
}
