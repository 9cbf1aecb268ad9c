import { AppError, type Clock } from "@tidemark/kit";

/** What an act says while it runs. The order of events is the order in which things happened. */
export type ActEvent =
  | { readonly kind: "phase"; readonly phase: string; readonly message: string }
  /** Bytes done of the bytes expected; the total is null while nobody knows it, and may be an estimate. */
  | { readonly kind: "progress"; readonly doneBytes: bigint; readonly totalBytes: bigint | null }
  | { readonly kind: "log"; readonly level: "info" | "warning" | "error"; readonly message: string };

/** How a caller follows, stops and (in tests) kills an act. */
export interface ActControl {
  /** Aborting ends the act with `cancelled`, after its cleanup. */
  readonly signal: AbortSignal;
  readonly emit: (event: ActEvent) => void;
  /** Called before each durable step with its name; kill tests stop the process there. */
  readonly onStep?: ((step: StepName) => void | Promise<void>) | undefined;
}

/** Points before each durable step of a backup, in order. */
export const backupSteps = [
  "backup:before-slot",
  "backup:before-stream",
  "backup:before-first-file",
  "backup:before-middle-file",
  "backup:before-manifest-check",
  "backup:before-commit",
  "backup:after-commit",
] as const;

/** The same of a backup with the low-level API (`source.kind` is `files`), in order. */
export const fileBackupSteps = [
  "backup:before-slot",
  "backup:before-start",
  "backup:before-first-file",
  "backup:before-middle-file",
  "backup:before-control",
  "backup:before-stop",
  "backup:before-wal",
  "backup:before-commit",
  "backup:after-commit",
] as const;

/** Points before each durable step of a verification. */
export const verifySteps = ["verify:before-read", "verify:before-mark"] as const;

/** Points before each durable step of a restore, in order. */
export const restoreSteps = [
  "restore:before-mark",
  "restore:before-clear",
  "restore:before-tree",
  "restore:before-data",
  "restore:before-middle-frame",
  "restore:before-links",
  "restore:before-backup-manifest",
  "restore:before-sync",
  "restore:before-control",
  "restore:before-unmark",
  "restore:between-unmarks",
] as const;

/** What a restore to a point in time has besides, where the WAL is put into the restored directory. */
export const recoverySteps = ["restore:before-wal"] as const;

/** The same of a delta restore, in order. */
export const deltaSteps = [
  "restore:before-mark",
  "restore:before-unstartable",
  "restore:before-remove",
  "restore:before-tree",
  "restore:before-compare",
  "restore:before-data",
  "restore:before-middle-frame",
  "restore:before-links",
  "restore:before-backup-manifest",
  "restore:before-sync",
  "restore:before-control",
  "restore:before-unmark",
  "restore:between-unmarks",
] as const;

/** Points before each durable step of a drill (the restore inside it has its own). */
export const drillSteps = [
  "drill:before-restore",
  "drill:before-start",
  "drill:before-checks",
  "drill:before-stop",
  "drill:before-mark",
] as const;

/** Points before a clone's server is started, and before it is said to run (the restore inside has its own). */
export const cloneSteps = ["clone:before-start", "clone:before-running"] as const;

/** Points before each durable step of a retention or deletion and of the collection of garbage. */
export const expirySteps = [
  "expiry:before-delete",
  "expiry:between-deletes",
  "expiry:before-wal",
  "expiry:between-wal",
  "collect:before-plan",
  "collect:before-execute",
] as const;

/** Points around each backup that is copied to a second repository (the repository has its own inside). */
export const copySteps = ["copy:before-backup", "copy:after-backup", "heal:before-object"] as const;

export type StepName =
  | (typeof backupSteps)[number]
  | (typeof fileBackupSteps)[number]
  | (typeof verifySteps)[number]
  | (typeof restoreSteps)[number]
  | (typeof recoverySteps)[number]
  | (typeof deltaSteps)[number]
  | (typeof drillSteps)[number]
  | (typeof cloneSteps)[number]
  | (typeof expirySteps)[number]
  | (typeof copySteps)[number];

/** Refuses to go on once the act was cancelled, then announces the step. */
export async function reachStep(control: ActControl, step: StepName): Promise<void> {
  throwIfCancelled(control.signal);
  await control.onStep?.(step);
  throwIfCancelled(control.signal);
}

/** Throws `cancelled`, or the AppError the signal was aborted with (`interrupted` when the process stops). */
export function throwIfCancelled(signal: AbortSignal): void {
  if (signal.aborted) throw cancellation(signal);
}

export function cancellation(signal: AbortSignal): AppError {
  const reason: unknown = signal.reason;
  if (reason instanceof AppError) return reason;
  return new AppError("cancelled", {
    message: "the act was cancelled",
    hint: "what it had begun was cleaned up",
    cause: reason,
  });
}

/** Passes progress on at most four times a second, and the last value always (`finish`). */
export class ProgressMeter {
  readonly #control: ActControl;
  readonly #clock: Clock;
  #totalBytes: bigint | null;
  #doneBytes = 0n;
  #emittedAtMs = Number.NEGATIVE_INFINITY;

  constructor(control: ActControl, clock: Clock, totalBytes: bigint | null) {
    this.#control = control;
    this.#clock = clock;
    this.#totalBytes = totalBytes;
  }

  get doneBytes(): bigint {
    return this.#doneBytes;
  }

  set totalBytes(totalBytes: bigint | null) {
    this.#totalBytes = totalBytes;
  }

  add(bytes: number | bigint): void {
    this.#doneBytes += BigInt(bytes);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#emittedAtMs < progressIntervalMs) return;
    this.#emittedAtMs = nowMs;
    this.#emit();
  }

  finish(): void {
    this.#emit();
  }

  /** An estimate that turned out too small is corrected upwards: never more than the whole. */
  #emit(): void {
    const total = this.#totalBytes !== null && this.#totalBytes < this.#doneBytes ? this.#doneBytes : this.#totalBytes;
    this.#control.emit({ kind: "progress", doneBytes: this.#doneBytes, totalBytes: total });
  }
}

const progressIntervalMs = 250;
