/** What can be measured of WAL. */
export const walSteps = ["stream", "archive", "recovery", "commit", "memory"] as const;
export type WalStep = (typeof walSteps)[number];

/** One timed act of one row in one round. */
export interface WalSample {
  readonly step: WalStep;
  readonly row: string;
  /** Of the act alone, without starts that happen once in a process that stays. */
  readonly wallSeconds: number;
  /** What `sync -f` of the scratch file system took right afterwards. */
  readonly syncSeconds: number;
  readonly segments: number;
  /** User and system time of everything on the machine meanwhile: archivers start processes that belong to nobody. */
  readonly machineSeconds: number;
  /** Highest memory of our process or theirs; null where it was not looked at. */
  readonly peakBytes: number | null;
  readonly storedBytes: number | null;
  /** Median of a commit; null but for `commit`. */
  readonly latencyMs: number | null;
}

/** What one step needs of a row is missing here. */
export class RowAbsent extends Error {}
