import { AppError, joinCleanup } from "@tidemark/kit";
import { abortable } from "../connection/abortable.ts";
import { neutraliseIdleTimeouts, restoreIdleTimeouts } from "../session/idle-timeouts.ts";
import { keepSession } from "../session/keep-session.ts";
import type { SqlSession } from "../session/sql-session.ts";
import {
  type StartBackupRequest,
  type StartedBackup,
  type StopBackupRequest,
  type StoppedBackup,
  startBackup,
  stopBackup,
} from "./low-level-backup.ts";

export interface BackupSessionRequest extends StartBackupRequest {
  /** How often the session is asked whether it lives; its loss is told within that time. 10,000 unless given. */
  readonly heartbeatMs?: number | undefined;
}

export interface BackupSessionStop extends StopBackupRequest {
  /** The session is ended, and the backup with it, when the stop takes longer. */
  readonly timeoutMs: number;
}

/**
 * A low-level backup from its start to its end, and the one session it lives in. States:
 *
 * - *running*: from `start` on. The session's loss at any moment rejects `lost` with `backup-session-lost`; the server
 *   ends the backup with the session, so nothing reconnects and nothing is left behind.
 * - *stopped*: `stop` gave the label. The session belongs to the caller again, its idle timeouts as they were.
 * - *over*: lost, abandoned, or a stop that failed. The copy is of no use.
 */
export class BackupSession {
  readonly started: StartedBackup;
  /** Never resolves. Rejects when the session is gone: race everything done between start and stop against it. */
  readonly lost: Promise<never>;
  readonly #session: SqlSession;
  readonly #heartbeat: { stop(): Promise<void> };
  readonly #stopListening: () => void;
  readonly #isOver: AbortController;

  private constructor(session: SqlSession, started: StartedBackup, heartbeatMs: number) {
    this.started = started;
    this.#session = session;
    const over = new AbortController();
    this.#isOver = over;
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => undefined);
    this.lost = promise;
    over.signal.addEventListener("abort", () => reject(over.signal.reason), { once: true });
    const tell = (error: AppError): void => over.abort(sessionLost(error));
    this.#stopListening = session.onLost(tell);
    this.#heartbeat = keepSession(session, { intervalMs: heartbeatMs, onLost: tell });
  }

  /**
   * Starts a backup in this session, which from now on is the backup's alone.
   *
   * @throws AppError what `startBackup` throws; `backup-session-lost` when the session ended meanwhile.
   */
  static async start(session: SqlSession, request: BackupSessionRequest): Promise<BackupSession> {
    try {
      await neutraliseIdleTimeouts(session);
      const started = await startBackup(session, request);
      return new BackupSession(session, started, request.heartbeatMs ?? 10_000);
    } catch (error) {
      const failure = toLost(error);
      throw session.lost === null ? await joinCleanup(failure, () => restoreIdleTimeouts(session)) : failure;
    }
  }

  /**
   * Ends the backup and gives its label and tablespace map.
   *
   * @throws AppError `standby-promoted`; `backup-session-lost` also when `timeoutMs` passed (the WAL was not archived).
   */
  async stop(request: BackupSessionStop): Promise<StoppedBackup> {
    this.#isOver.signal.throwIfAborted();
    await this.#heartbeat.stop();
    const timer = setTimeout(() => this.#isOver.abort(stopTooLong(request)), request.timeoutMs);
    try {
      const stopped = await abortable(stopBackup(this.#session, this.started, request), this.#isOver.signal);
      await abortable(restoreIdleTimeouts(this.#session), this.#isOver.signal);
      this.#stopListening();
      return stopped;
    } catch (error) {
      const failure = toLost(error);
      await this.abandon();
      throw failure;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes the session; without a stop before, the server drops the backup with it. Idempotent; never throws. */
  async abandon(): Promise<void> {
    this.#stopListening();
    await this.#heartbeat.stop();
    await this.#session.close();
  }
}

/** Everything that means "the session is gone", under the code that says what it cost. */
function toLost(error: unknown): unknown {
  if (!(error instanceof AppError)) return error;
  const gone = ["connection-lost", "connection-timeout", "server-shutting-down", "protocol-violation"];
  return gone.includes(error.code) ? sessionLost(error) : error;
}

function sessionLost(cause: AppError): AppError {
  if (cause.code === "cancelled" || cause.code === "backup-session-lost") return cause;
  return new AppError("backup-session-lost", {
    message: `the session that held the backup was lost, and the backup with it: ${cause.message}`,
    hint: "the server has ended the backup by itself; take a new one",
    cause,
  });
}

function stopTooLong({ timeoutMs, waitForArchive }: BackupSessionStop): AppError {
  return new AppError("backup-session-lost", {
    message: `the server did not end the backup within ${timeoutMs} ms, and its session was ended`,
    hint: waitForArchive
      ? "it waits until its WAL is archived: look at archive_command and pg_stat_archiver"
      : "look at the server's load, then take a new one",
    context: { timeoutMs },
  });
}
