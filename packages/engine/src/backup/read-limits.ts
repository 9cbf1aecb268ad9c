import {
  formatLsn,
  type Lsn,
  readChangedBehindLimits,
  readRelationLimits,
  readWalSummaries,
  type SqlSession,
  type WalSummary,
} from "@tidemark/postgres";
import { assertCheckpointAt, type IncrementalPlan, summariesMissing } from "./incremental-plan.ts";
import { incrementalRefused } from "./incremental-refusal.ts";
import { LimitBlocks } from "./limit-blocks.ts";
import { firstUnsummarized, type LinePosition, spansBetween, summariesOf } from "./timeline-spans.ts";

export interface ReadLimits {
  /** Of summaries that were not there yet when the manifest was composed. */
  readonly limits: LimitBlocks;
  /**
   * Forks that one of those summaries says were cut, and a later one changed behind the cut: of these the server may not send
   * all (see `IncrementalPlan.cut`), and it is too late to ask for them in full.
   */
  readonly doubtful: LimitBlocks;
}

/**
 * The limits between the parent's start and the new backup's that the uploaded manifest could not take into account, read
 * between the server's announcement of its start and the first file that is laid.
 *
 * Why then: before it announces the start, the server has waited until its summaries reach the new start, has found them
 * complete, and has read them whole (perform_base_backup calls PrepareForIncrementalBackup before bbsink_begin_backup);
 * it decides about each file by what it read then. A summary is written once, under a name that says what it covers, and
 * never changed, so whoever finds the whole interval covered after that reads the same facts. What may happen in
 * between is that a summary is removed: then the interval has a hole (or a file of the list cannot be opened), and this
 * throws. No file has been laid by then, nothing is lost but the wait. What is added in between begins where the interval
 * ends, is not among the server's, and is not taken here either.
 *
 * A fork with a limit in a summary that was known before comes in full, whatever else is said of it. Every other fork has
 * limits in the new summaries alone, usually one; with all changes behind a limit in the limit's own summary, no order
 * of merging can drop one of them.
 */
export async function readLimits(
  sql: SqlSession,
  { line, from, known }: Pick<IncrementalPlan, "line" | "from" | "known">,
  start: LinePosition,
): Promise<ReadLimits> {
  const spans = spansBetween(line, from, start);
  if (spans === null) {
    throw incrementalRefused(
      `the copy starts at ${formatLsn(start.lsn as Lsn)} on timeline ${start.timeline}, which does not follow the last backup`,
    );
  }
  const summaries = await readWalSummaries(sql);
  assertCheckpointAt(summaries, from);
  const needed = spans.flatMap((span) => {
    const gap = firstUnsummarized(summaries, span);
    if (gap !== null) throw summariesMissing(span.timeline, gap);
    return summariesOf(summaries, span);
  });
  const before = new Set(known.map(nameOf));
  const added = needed.filter((summary) => !before.has(nameOf(summary)));
  const doubtful = added.length < 2 ? [] : await readChangedBehindLimits(sql, added);
  return { limits: new LimitBlocks(await readRelationLimits(sql, added)), doubtful: new LimitBlocks(doubtful) };
}

function nameOf({ timeline, startLsn, endLsn }: WalSummary): string {
  return `${timeline} ${startLsn} ${endLsn}`;
}
