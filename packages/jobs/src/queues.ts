import type { Logger } from "@tidemark/kit";
import type { QueueName } from "./job.ts";
import type { RunKind } from "./run-requests.ts";

/** Where the bells hang: in the metadata database (its own schema), or in Redis or Valkey. */
export type QueuePlace = { readonly databaseUrl: string } | { readonly redisUrl: string };
export type QueueBackend = "postgresql" | "redis";

export interface QueueOptions {
  readonly logger: Logger;
  /**
   * True: begin without the place where it does not answer, and ask again until it does. Until then ringing fails with
   * `queue-unreachable`, and nothing rings. False when left out: throw.
   */
  readonly mayBeAway?: boolean;
}

/** What a handler is rung with, parsed. */
export type Ring =
  | { readonly name: "schedule-tick"; readonly scheduleId: string; readonly firedFor: Date }
  | { readonly name: RunKind; readonly runId: string };

/** Ring the same bell again after a while, without counting it as a failed try: the run has to wait for another. */
export interface RingAgain {
  readonly againInMs: number;
}

/** Throw an AppError whose code says `retry: "never"` and the queue does not try again; anything else is tried again. */
export type RingHandler = (ring: Ring, signal: AbortSignal) => Promise<RingAgain | undefined> | Promise<void>;

export interface WorkerOptions {
  /** How many at once in this process. */
  readonly concurrency: number;
}

export interface QueueWorker {
  readonly queue: QueueName;
  /** Takes nothing new and waits for what is running, at most `graceMs`; then aborts the handlers' signals and waits for them. */
  close(graceMs?: number): Promise<void>;
}

export interface QueueSchedule {
  readonly scheduleId: string;
  readonly cron: string;
  readonly zone: string;
  readonly nextAt: Date | null;
}

/** The queue is only a bell: everything here may be lost and is rung again from the rows. Errors are `queue-unreachable`. */
export interface Queues {
  readonly backend: QueueBackend;
  /**
   * Rings for a run. While its bell hangs already, nothing is added; one that was to ring later (`delayMs`, or a
   * handler's `againInMs`) rings now. While a handler works on it, nothing happens.
   */
  ring(runId: string, kind: RunKind, options?: { readonly delayMs?: number }): Promise<void>;
  /** Makes or changes the scheduler of a schedule. Throws `cron-invalid`. */
  upsertSchedule(scheduleId: string, cron: string, zone: string): Promise<void>;
  /** False when there was none. */
  removeSchedule(scheduleId: string): Promise<boolean>;
  listSchedules(): Promise<readonly QueueSchedule[]>;
  createWorker(queue: QueueName, handler: RingHandler, options: WorkerOptions): QueueWorker;
  ping(): Promise<void>;
  /** Workers first, then connections. */
  close(): Promise<void>;
}
