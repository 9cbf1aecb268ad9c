import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@tidemark/kit";
import { readLastCheckpoint, readWalSummarizer, type SqlSession } from "@tidemark/postgres";

/**
 * Waits a moment until the summaries reach the last checkpoint and the beginning of the present timeline, which is where the
 * summarizer ends a summary (walsummarizer.c). What they tell of relations that were cut can be taken into account when the
 * manifest is composed; what is summarized later cannot. Right after a promotion, or a start, they are behind both. A summarizer
 * that does not come on is left to the server, which waits for it, too, and says so when it is stuck.
 */
export async function awaitSummaries(
  sql: SqlSession,
  timelineBeginLsn: bigint,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const { redoLsn } = await readLastCheckpoint(sql);
  const wantedLsn = redoLsn > timelineBeginLsn ? redoLsn : timelineBeginLsn;
  const deadlineMs = clock.monotonicMs() + limitMs;
  // It has no position until it has looked for the first time since the server started.
  while (((await readWalSummarizer(sql)).summarizedLsn ?? 0n) < wantedLsn && clock.monotonicMs() < deadlineMs) {
    await delay(pollMs, undefined, { signal });
  }
}

/** The summarizer looks for new WAL every 10 s at the latest, and reads some hundred MiB a second (walsummarizer.c). */
const limitMs = 15_000;
const pollMs = 100;
