import { AppError } from "@tidemark/kit";
import type { SqlSession } from "./sql-session.ts";

export interface KeepSessionOptions {
  /** The loss of the session is told within this time. */
  readonly intervalMs: number;
  /** Called once, with why; never after `stop`. */
  readonly onLost: (error: AppError) => void;
}

/**
 * Keeps a session alive while nothing else is asked of it, and tells of its loss within one interval: at once when the
 * connection ends, else by a question that is not answered. It asks twice in an interval and gives each question half
 * of one, so that a line which stalls right after an answer is found out in time.
 *
 * While another question is under way nothing can be asked: that question's own time limit holds then, and TCP
 * keepalive. The server's idle timeouts are not its matter: see `neutraliseIdleTimeouts`.
 */
export function keepSession(session: SqlSession, options: KeepSessionOptions): { stop(): Promise<void> } {
  const halfMs = Math.max(1, Math.floor(options.intervalMs / 2));
  let isStopped = false;
  let beat: Promise<void> = Promise.resolve();
  const stopListening = session.onLost((error) => {
    if (!isStopped) options.onLost(error);
  });
  const timer = setInterval(() => {
    if (session.lost === null && !session.isBusy) beat = ask(session, halfMs);
  }, halfMs);
  return {
    stop: async () => {
      isStopped = true;
      clearInterval(timer);
      stopListening();
      await beat;
    },
  };
}

/** A failure is told by the session itself, to everybody who listens. */
async function ask(session: SqlSession, withinMs: number): Promise<void> {
  try {
    await session.query("SELECT 1", [], { answerWithinMs: withinMs });
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
  }
}
