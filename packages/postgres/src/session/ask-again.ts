import { AppError, type ErrorCode, type Logger } from "@tidemark/kit";
import { abortable } from "../connection/abortable.ts";
import { cancelled } from "../connection/reach-server.ts";
import type { SqlSession } from "./sql-session.ts";

export interface AskAgainOptions {
  /** How often it is tried in all. */
  readonly attempts: number;
  readonly signal?: AbortSignal | undefined;
  /** The wait before the second try; doubled for each further one, up to 30 s. 500 unless given. */
  readonly backoffMs?: number | undefined;
  readonly logger?: Logger | undefined;
}

/**
 * Asks over a session of its own, and again over a new one when the session could not be had or was lost. Only for
 * questions that change nothing: the server may have answered one whose answer never came. Never between the start and
 * the stop of a backup, which belong to one session.
 *
 * @throws AppError the last attempt's error, at once any that another session would not mend; `cancelled`.
 */
export async function askAgain<T>(
  connect: () => Promise<SqlSession>,
  ask: (session: SqlSession) => Promise<T>,
  options: AskAgainOptions,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    if (options.signal?.aborted === true) throw cancelled(options.signal.reason);
    try {
      return await askOnce(connect, ask);
    } catch (error) {
      if (!(error instanceof AppError) || !passingCodes.has(error.code) || attempt >= options.attempts) throw error;
      const delayMs = backoff(options.backoffMs ?? defaultBackoffMs, attempt);
      options.logger?.warn({ code: error.code, attempt, delayMs }, "the server is asked again");
      await pause(delayMs, options.signal);
    }
  }
}

async function askOnce<T>(connect: () => Promise<SqlSession>, ask: (session: SqlSession) => Promise<T>): Promise<T> {
  const session = await connect();
  try {
    return await ask(session);
  } finally {
    await session.close();
  }
}

/** What goes by: the line, or a server that starts, stops or is full. */
const passingCodes: ReadonlySet<ErrorCode> = new Set([
  "host-unknown",
  "connection-refused",
  "connection-timeout",
  "connection-lost",
  "server-starting",
  "server-shutting-down",
  "too-many-connections",
]);

const defaultBackoffMs = 500;
const longestBackoffMs = 30_000;

/** Half of it is chance, so that many who lost one server do not come back at once. */
function backoff(firstMs: number, attempt: number): number {
  const fullMs = Math.min(longestBackoffMs, firstMs * 2 ** (attempt - 1));
  return Math.round(fullMs / 2 + (Math.random() * fullMs) / 2);
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  try {
    await (signal === undefined ? promise : abortable(promise, signal));
  } catch (cause) {
    throw cancelled(cause);
  } finally {
    clearTimeout(timer);
  }
}
