import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { boundedMemory } from "@tidemark/kit";
import type { Order } from "../acts.ts";
import type { Command } from "../measure.ts";
import { Resident } from "../resident.ts";
import type { Row, RowContext, RowPlaces, Step } from "./row.ts";

export interface TidemarkVariant {
  readonly name: string;
  readonly compression: "zstd:1" | "none";
  readonly encrypted: boolean;
  /** Reads the data directory itself (low-level backup) instead of streaming. */
  readonly local: boolean;
}

const script = fileURLToPath(new URL("../tidemark-act.ts", import.meta.url));

/**
 * Ourselves as `npm start` runs us: a worker is there and takes one act after another. It finds its modules compiled, as any
 * worker does but for the first one after an update (which keeps the compiler in memory, 15 MiB): a command before it sees to that.
 */
export function tidemark(context: RowContext, variant: TidemarkVariant): Row {
  const { settings } = context;
  const log = join(settings.workDir, `${variant.name.replace(/[^\w]+/g, "-")}.log`);
  const worker = new Resident({ argv: [...program, script], env: environment(context) }, log);
  const all = steps(context, variant, (order) => ({ resident: worker, order }));
  const first = steps(context, variant, commandOf(context));
  return {
    ...all,
    warmUp: (places) => [...first.prepare(places), ...(all.warmUp?.(places) ?? [])],
    lifePeakBytes: () => worker.lifePeakBytes,
    stop: () => worker.stop(),
  };
}

/** Ourselves as a command that starts, acts and ends: `tidemark restore direct`. */
export function tidemarkCommand(context: RowContext, variant: TidemarkVariant): Row {
  const all = steps(context, variant, commandOf(context));
  const has: ReadonlySet<Step> = new Set(["full", "incr", "restore-full", "restore-incr"]);
  return {
    ...all,
    warmUp: (places) => [...all.prepare(places), ...(all.warmUp?.(places) ?? [])],
    step: (step, places) => (has.has(step) ? all.step(step, places) : null),
  };
}

function commandOf(context: RowContext): (order: Order) => Command {
  return (order) => ({
    argv: [...program, script],
    env: { ...environment(context), BENCH_ACT: JSON.stringify(order) },
  });
}

/** As apps/start runs workers. */
const program = [process.execPath, ...boundedMemory.nodeFlags, "--max-old-space-size=256"];

function environment({ settings }: RowContext): Readonly<Record<string, string>> {
  // As the command finds it after its first run. A folder of ours: the account that measures may not write elsewhere.
  return { ...boundedMemory.environment, NODE_COMPILE_CACHE: join(settings.workDir, "compiled") };
}

function steps(
  { settings, cluster }: RowContext,
  variant: TidemarkVariant,
  act: (order: Order) => ReturnType<Row["step"]> & object,
): Row {
  const { dsn, dataDir } = cluster;
  const order = (name: Order["act"], places: RowPlaces) =>
    act({ ...variant, ...places, act: name, dsn, dataDir, threads: settings.threads });
  const isIncremental = (step: Step) => step === "incr" || step === "restore-incr";
  // Increments come over the replication protocol alone.
  const hasIncrements = cluster.major >= 17 && !variant.local;
  const warmUps = ["full", "verify", "verify-whole", "restore-full"] as const;
  return {
    name: variant.name,
    unavailable: null,
    warmUp: (places) => [...warmUps, ...(hasIncrements ? (["incr"] as const) : [])].map((name) => order(name, places)),
    prepare: (places) => [order("init", places)],
    step: (step, places) => (isIncremental(step) && !hasIncrements ? null : order(step, places)),
  };
}
