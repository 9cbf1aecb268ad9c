import type { BenchCluster } from "../cluster.ts";
import type { Act } from "../measure.ts";
import type { BenchSettings } from "../settings.ts";

/** What can be measured of a tool. */
export type Step = "full" | "repeat" | "incr" | "verify" | "verify-whole" | "restore-full" | "restore-incr";

/** Where a row keeps its things. */
export interface RowPlaces {
  /** Its own scratch. */
  readonly state: string;
  /** Its repository; its growth is measured. */
  readonly repository: string;
  /** Not there before a restore. */
  readonly restoreTo: string;
}

/** A tool with its settings. */
export interface Row {
  readonly name: string;
  /** Why it cannot run here, or null. */
  readonly unavailable: string | null;
  /** Untimed, once before the first round, in a place of its own: what only the first run of a program costs. */
  warmUp?(places: RowPlaces): readonly Act[];
  /** Untimed, before the first backup. */
  prepare(places: RowPlaces): readonly Act[];
  /** Null: it has no such step. */
  step(step: Step, places: RowPlaces): Act | null;
  /** Where a process lives through the whole run: the most memory it ever had. */
  lifePeakBytes?(): number;
  /** At the end of the run. */
  stop?(): Promise<void>;
}

export interface RowContext {
  readonly settings: BenchSettings;
  readonly cluster: BenchCluster;
}
