import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@tidemark/kit";
import type { QueueName } from "./job.ts";
import type { QueueWorker } from "./queues.ts";

interface AwaitedPlace {
  /** Throws while it is away. */
  readonly ask: () => Promise<void>;
  /** Why it was asked for at all. */
  readonly first: unknown;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/**
 * Asks for the queue's place, at first every half second and then more and more seldom, until it answers or the signal
 * ends the waiting; says so each time. Never rejects.
 */
export async function awaitPlace({ ask, first, logger, signal }: AwaitedPlace): Promise<void> {
  let error = first;
  for (let pauseMs = firstPauseMs; !signal.aborted; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    logger.warn({ err: error, againInMs: pauseMs }, "the queue cannot be reached: nothing is begun until it can");
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    try {
      await ask();
      logger.info("the queue is there: what was asked for meanwhile begins");
      return;
    } catch (again) {
      error = again;
    }
  }
}

const firstPauseMs = 500;
/** Somebody who starts Redis again looks whether things go on within about this. */
const longestPauseMs = 4_000;

/** A queue's worker that begins once the place is there; closed before that, it never does. */
export function workerWhenThere(
  queue: QueueName,
  there: Promise<void>,
  closing: AbortSignal,
  start: () => QueueWorker,
): QueueWorker {
  let worker: QueueWorker | null = null;
  let isClosed = false;
  const begun = there.then(() => {
    if (!isClosed && !closing.aborted) worker = start();
  });
  return {
    queue,
    async close(graceMs) {
      isClosed = true;
      // Not waited for: while the place is away it is far off.
      if (worker === null) void begun;
      else await worker.close(graceMs);
    },
  };
}
