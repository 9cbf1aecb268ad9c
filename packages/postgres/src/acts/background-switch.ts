import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock, type Logger } from "@tidemark/kit";
import { abortable } from "../connection/abortable.ts";
import type { SqlSession } from "../session/sql-session.ts";
import { runCheckpoint } from "./run-checkpoint.ts";
import { switchWal } from "./switch-wal.ts";

export interface BackgroundSwitchOptions {
  /** A session to the primary. Called again after a session was lost. */
  readonly connect: (signal: AbortSignal) => Promise<SqlSession>;
  readonly clock: Clock;
  /** Hears of each switch that failed; `stop` tells of the last. */
  readonly logger?: Logger;
  /** Before the first switch; a stop that needs none is over by then. 1,000 unless given. */
  readonly firstWaitMs?: number | undefined;
  /** Between two switches. 10,000 unless given. */
  readonly intervalMs?: number | undefined;
  /** A checkpoint and a last switch after this long: switching does nothing on an idle primary. 60,000 unless given. */
  readonly checkpointAfterMs?: number | undefined;
  /** For each connection and statement; the session is ended when one takes longer. 30,000 unless given. */
  readonly statementMs?: number | undefined;
}

export interface BackgroundSwitchReport {
  /** The segments closed, in order. */
  readonly closedFiles: readonly string[];
  readonly checkpointed: boolean;
  /** What went wrong last; null when the last thing asked of the primary was answered. */
  readonly error: AppError | null;
}

export interface BackgroundSwitch {
  /** Resolves when it ended, by itself or by `stop`; never rejects. */
  readonly ended: Promise<BackgroundSwitchReport>;
  /** Ends it at once and says what it did. Idempotent; never throws, never waits for the primary. */
  stop(): Promise<BackgroundSwitchReport>;
}

/**
 * Switches WAL on the primary while a standby's backup stops: a standby archives (archive_mode = always) a segment
 * only when its primary has closed it, and on a quiet primary that takes until archive_timeout.
 *
 * It waits `firstWaitMs`, switches every `intervalMs`, makes a checkpoint and a last switch after `checkpointAfterMs`
 * (which writes WAL even on an idle primary, and so closes a segment), and ends. A primary that is lost is tried again
 * at the next interval; what cannot become better (a missing privilege, a standby) ends it. Nothing is thrown: the
 * backup may well end without.
 *
 * Privilege, on the primary: EXECUTE on `pg_switch_wal()`; for the checkpoint what `runCheckpoint` says.
 */
export function switchWalInBackground(options: BackgroundSwitchOptions): BackgroundSwitch {
  const stopping = new AbortController();
  const progress: Progress = { closedFiles: [], checkpointed: false, error: null };
  const ended = runSwitches(options, stopping.signal, progress).then(() => progress);
  return {
    ended,
    stop: () => {
      stopping.abort(stoppedSentinel);
      return ended;
    },
  };
}

interface Progress {
  readonly closedFiles: string[];
  checkpointed: boolean;
  error: AppError | null;
}

const stoppedSentinel = new AppError("cancelled", { message: "the switches in the background were ended" });

async function runSwitches(options: BackgroundSwitchOptions, signal: AbortSignal, progress: Progress): Promise<void> {
  const startedMs = options.clock.monotonicMs();
  const primary = new Primary(options, signal);
  try {
    await delay(options.firstWaitMs ?? 1_000, undefined, { signal });
    while (!progress.checkpointed) {
      const isDue = options.clock.monotonicMs() - startedMs >= (options.checkpointAfterMs ?? 60_000);
      if (!(await attempt(primary, isDue, progress, options.logger))) return;
      if (!progress.checkpointed) await delay(options.intervalMs ?? 10_000, undefined, { signal });
    }
  } catch (error) {
    // Only waiting can throw, when it is ended.
    if (!signal.aborted) throw error;
  } finally {
    await primary.close();
  }
}

/** One round; false when another one makes no sense. */
async function attempt(
  primary: Primary,
  isDue: boolean,
  progress: Progress,
  logger: Logger | undefined,
): Promise<boolean> {
  try {
    if (isDue) await primary.ask((session, timeoutMs) => runCheckpoint(session, { timeoutMs }));
    const { closedFile } = await primary.ask((session, timeoutMs) => switchWal(session, { timeoutMs }));
    if (closedFile !== null) progress.closedFiles.push(closedFile);
    progress.checkpointed = isDue;
    progress.error = null;
    return true;
  } catch (error) {
    await primary.close();
    if (primary.isStopped) return false;
    progress.error = toAppError(error);
    logger?.warn({ err: error, closedFiles: progress.closedFiles.length }, "WAL was not switched on the primary");
    return progress.error.retry !== "never";
  }
}

/** A session to the primary, opened when first needed and again after a loss; every wait for it is bounded. */
class Primary {
  readonly #options: BackgroundSwitchOptions;
  readonly #stopping: AbortSignal;
  #session: SqlSession | null = null;

  constructor(options: BackgroundSwitchOptions, stopping: AbortSignal) {
    this.#options = options;
    this.#stopping = stopping;
  }

  get isStopped(): boolean {
    return this.#stopping.aborted;
  }

  async ask<T>(question: (session: SqlSession, timeoutMs: number) => Promise<T>): Promise<T> {
    const statementMs = this.#options.statementMs ?? 30_000;
    this.#session ??= await this.#connect(statementMs);
    return await abortable(question(this.#session, statementMs), this.#limit(statementMs));
  }

  /** Not waited for longer than a goodbye takes (SqlSession.close). */
  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close();
  }

  async #connect(limitMs: number): Promise<SqlSession> {
    const connecting = this.#options.connect(this.#stopping);
    try {
      return await abortable(connecting, this.#limit(limitMs));
    } catch (error) {
      connecting.then((late) => late.close()).catch(() => undefined);
      throw error;
    }
  }

  #limit(limitMs: number): AbortSignal {
    return AbortSignal.any([this.#stopping, AbortSignal.timeout(limitMs + graceMs)]);
  }
}

/** So that the server's own limit, which says more, comes first. */
const graceMs = 1_000;

function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new AppError("connection-timeout", { message: `the primary did not answer: ${message}`, cause: error });
}
