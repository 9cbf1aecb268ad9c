import type { Step } from "./rows/row.ts";

/** A figure of a measurement, as the median of its rounds. `time` is wall and sync together. */
export type Figure = "time" | "grew" | "server";

/** A ratio we want to stay below. */
export interface Target {
  readonly what: string;
  readonly ours: readonly [row: string, step: string];
  readonly figure: Figure;
  readonly limit: number;
  /** The best of these. */
  readonly beside: readonly (readonly [row: string, step: string])[];
}

const ours = "tidemark zstd@1";
const pg1 = "pg_basebackup server-zstd@1";
const rest1 = "pgBackRest zst@1";

export const targets: readonly Target[] = [
  ratio("full, stream", [ours, "full"], "time", 1.2, [pg1, "full"]),
  ratio("full, stream: stored", [ours, "full"], "grew", 1.0, [pg1, "full"]),
  ratio("full, stream: CPU of the server", [ours, "full"], "server", 0.35, [pg1, "full"]),
  ratio("full, stream", [ours, "full"], "time", 0.85, [rest1, "full"]),
  ratio(
    "full, stream, beside defaults",
    [ours, "full"],
    "time",
    0.7,
    ["pg_basebackup server-zstd", "full"],
    ["pgBackRest zst", "full"],
    ["Barman zstd", "full"],
  ),
  ratio("full, no compression, stream", ["tidemark none", "full"], "time", 1.2, ["pg_basebackup none-t", "full"]),
  ratio("full, reads the data directory itself", ["tidemark local", "full"], "time", 0.9, [pg1, "full"]),
  ratio("encrypted full", ["tidemark encrypted", "full"], "time", 1.1, [ours, "full"]),
  ratio("repeated full, nothing changed", [ours, "repeat"], "time", 0.6, [ours, "full"]),
  ratio("repeated full, nothing changed: stored", [ours, "repeat"], "grew", 0.01, [ours, "full"]),
  ratio("incremental, 1 %", [ours, "incr 1 %"], "time", 1.5, [pg1, "incr 1 %"]),
  ratio("incremental, 1 %: grew", [ours, "incr 1 %"], "grew", 0.5, [pg1, "incr 1 %"]),
  ratio("incremental, 1 %", [ours, "incr 1 %"], "time", 0.1, [rest1, "incr 1 %"]),
  ratio("incremental, 1 %: grew", [ours, "incr 1 %"], "grew", 0.4, [rest1, "incr 1 %"]),
  ratio("incremental, 10 %", [ours, "incr 10 %"], "time", 1.0, [pg1, "incr 10 %"]),
  ratio("incremental, 10 %: grew", [ours, "incr 10 %"], "grew", 1.0, [pg1, "incr 10 %"]),
  ratio("incremental, 10 %", [ours, "incr 10 %"], "time", 0.15, [rest1, "incr 10 %"]),
  ratio("incremental, 10 %: grew", [ours, "incr 10 %"], "grew", 0.25, [rest1, "incr 10 %"]),
  ratio("restore of a full", [ours, "restore-full"], "time", 0.95, [pg1, "restore-full"]),
  ratio("restore of a full", [ours, "restore-full"], "time", 0.75, [rest1, "restore-full"]),
  ratio("restore of a full, no compression", ["tidemark none", "restore-full"], "time", 1.0, ["cp -a", "restore-full"]),
  ...restores("restore of an incremental, 1 %", "restore-incr 1 %", "restore-incr 1 %"),
  ...restores("restore of an incremental, 10 %", "restore-incr 10 %", "restore-incr 10 %"),
  // The others' only one: what they need for a chain is not less.
  ...restores("restore of the last of a chain", "restore-incr chain", "restore-incr 1 %"),
  ratio("verify, stored bytes", [ours, "verify"], "time", 1.0, [rest1, "verify"]),
  ratio("verify, whole", [ours, "verify-whole"], "time", 0.8, [pg1, "verify-whole"]),
];

/** Peak memory of a backup or restore with two threads. */
export const peakLimitBytes = 250 * 1024 * 1024;

/** Of `step` of ours beside our own full, and beside `theirs` of those who lay increments over a full. */
function restores(what: string, step: string, theirs: string): readonly Target[] {
  return [
    ratio(what, [ours, step], "time", 1.1, [ours, "restore-full"]),
    ratio(what, [ours, step], "time", 0.75, [rest1, theirs]),
    ratio(what, [ours, step], "time", 0.5, [pg1, theirs]),
  ];
}

function ratio(
  what: string,
  mine: readonly [string, Step | string],
  figure: Figure,
  limit: number,
  ...beside: readonly (readonly [string, Step | string])[]
): Target {
  return { what, ours: mine, figure, limit, beside };
}
