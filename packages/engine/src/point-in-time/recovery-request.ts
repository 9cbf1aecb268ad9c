import type { ReachableTarget, RecoveryInstant, RecoveryTarget, TargetRequest } from "@tidemark/policy";

/** A point in time to restore to, and how the restored server gets the WAL for it. */
export interface RecoveryRequest extends Omit<TargetRequest, "backupId" | "located"> {
  /**
   * `copy`: the WAL it needs is put into the restored directory, which then recovers without us.
   * `fetch`: its restore_command asks the repository while it recovers.
   * `elsewhere`: whoever starts it brings the WAL and its own settings; by itself it does not recover.
   */
  readonly wal: "copy" | "fetch" | "elsewhere";
  /** Null unless it fetches. */
  readonly fetch: FetchProgram | null;
}

/** What `tidemark wal fetch` is called with on the host of the restored server. */
export interface FetchProgram {
  /** The command, or its path. */
  readonly program: string;
  /** The file of `tidemark server host-config`. */
  readonly configPath: string;
}

/** One WAL segment that a recovery reads. */
export interface NeededSegment {
  readonly name: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** Of the segment itself; what is stored of it is smaller. */
  readonly sizeBytes: number;
  /** Only the beginning is there: of the segment in the making, or of the last one of a timeline that ended. */
  readonly isPartial: boolean;
}

/** How a recovery to a target would go. */
export interface RecoveryPlan {
  readonly request: RecoveryRequest;
  readonly systemIdentifier: bigint;
  /** The number for `recovery_target_timeline`. */
  readonly timeline: number;
  /** What PostgreSQL is asked for; sharper than what was asked of us where the WAL ends at the target. */
  readonly recoverAs: RecoveryTarget;
  /** The end of the WAL that is needed. */
  readonly through: RecoveryInstant;
  /** In the order in which they are read; what the backup itself holds is not among them. */
  readonly segments: readonly NeededSegment[];
  /** Timelines whose history is in the archive. */
  readonly histories: readonly number[];
  /** What of it has to be fetched, and what it is when it is unpacked. */
  readonly storedBytes: bigint;
  readonly plainBytes: bigint;
  /** To the end of the WAL: what is missing before newer WAL that it does not reach; null: nothing. */
  readonly gap: ReachableTarget["gap"];
  /** What the person should know, as sentences. */
  readonly notes: readonly string[];
  /** To where and how, without a full stop. */
  readonly sentence: string;
}
