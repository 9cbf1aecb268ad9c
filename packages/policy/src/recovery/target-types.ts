import type { RecoveryInstant } from "./recovery-types.ts";

/**
 * To where a server is to be restored.
 *
 * - `latest`: the end of the WAL we have. `immediate`: the end of the backup.
 * - `time`: by the server's clock, in whole milliseconds. Inclusive: what was committed at that instant is there.
 * - `lsn`: inclusive also applies the record that begins there.
 * - `xid`: that transaction; inclusive: it is there. - `name`: a restore point.
 */
export type RecoveryTarget =
  | { readonly kind: "latest" }
  | { readonly kind: "immediate" }
  | { readonly kind: "time"; readonly at: Date; readonly inclusive: boolean }
  | { readonly kind: "lsn"; readonly lsn: bigint; readonly inclusive: boolean }
  | { readonly kind: "xid"; readonly xid: number | bigint; readonly inclusive: boolean }
  | { readonly kind: "name"; readonly name: string };

export interface TargetRequest {
  readonly target: RecoveryTarget;
  /** `latest`: the newest with WAL of its own that can be reached. `current`: the backup's own. */
  readonly timeline: number | "latest" | "current";
  readonly action: "pause" | "promote" | "shutdown";
  /** The restored server stays a standby (`standby.signal`). */
  readonly asStandby: boolean;
  /** Only this backup; left out or null: the newest that ends before the target. */
  readonly backupId?: string | null;
  /** Only this lifetime; left out or null: the newest one in which the target can be reached. */
  readonly systemIdentifier?: bigint | null;
  /**
   * Where a reader of the WAL found the end of the record that the target names: for a transaction that is neither first nor last of
   * its segment, and to choose one of several restore points of one name.
   */
  readonly located?: { readonly timeline: number; readonly lsn: bigint; readonly at: Date | null } | null;
}

/** WAL of one timeline that a recovery reads. */
export interface WalNeed {
  readonly timeline: number;
  /** The start of the first segment. */
  readonly fromLsn: bigint;
  /** The end of the last segment, or of what is durable of it when it is partial. */
  readonly toLsn: bigint;
  /** Whole segments. */
  readonly segmentCount: number;
  /** The segment of which only a beginning is there and needed; null when all are whole. */
  readonly partialStartLsn: bigint | null;
}

export interface ReachableTarget {
  readonly reachable: true;
  readonly systemIdentifier: bigint;
  readonly backupId: string;
  /** What `recovery_target_timeline` has to be: always a number, so that a foreign history cannot lead astray. */
  readonly timeline: number;
  /**
   * What to ask of PostgreSQL. It is not always what was asked of us: a server ends with an error when the WAL ends and no record lies
   * behind the target, so "the time of the last commit" is asked for as that commit's transaction.
   * With `latest` nothing behind `through` may be offered to the recovery, whatever arrives meanwhile.
   */
  readonly recoverAs: RecoveryTarget;
  /** The end of the WAL that is needed. */
  readonly through: RecoveryInstant;
  /** In the order in which it is read; empty when the backup holds all it needs. */
  readonly wal: readonly WalNeed[];
  /** Timelines whose `.history` file the recovery reads. */
  readonly histories: readonly number[];
  /** With `latest`, where there is newer WAL that cannot be reached: what is missing before it. Else null. */
  readonly gap: GapBehind | null;
  /** What the person should know: sentences. */
  readonly notes: readonly string[];
}

/** Missing WAL at which a way ends. */
export interface GapBehind {
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
}

export interface UnreachableTarget {
  readonly reachable: false;
  /**
   * `target-not-located`: the target's place is not known from facts; read `search` and ask again with `located`.
   * The others are error codes.
   */
  readonly code: "target-unreachable" | "target-ambiguous" | "target-not-located";
  readonly sentence: string;
  /** The last instant before the target that can be restored to, and the first one after it. */
  readonly lastReachable: RecoveryInstant | null;
  readonly nextReachable: RecoveryInstant | null;
  /** For `target-ambiguous`: the places of that name. */
  readonly candidates: readonly RecoveryInstant[];
  /** For `target-not-located`: where to look for it, most likely first. */
  readonly search: readonly { readonly timeline: number; readonly fromLsn: bigint; readonly toLsn: bigint }[];
}

export type TargetChoice = ReachableTarget | UnreachableTarget;
