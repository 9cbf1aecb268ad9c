import { AppError, type Clock, crc32c } from "@tidemark/kit";
import {
  formatLsn,
  type Lsn,
  parseTimelineHistory,
  type ReplicationSession,
  readRelationLimits,
  readWalSummaries,
  readWalSummarizer,
  type SqlSession,
  timelineHistoryName,
  type WalSummary,
} from "@tidemark/postgres";
import type { BackupFacts, BackupWalRange, BackupWriter, ManifestReader, ServerArea } from "@tidemark/repository";
import type { ActControl } from "../act.ts";
import { awaitRestartpoint } from "./await-restartpoint.ts";
import { awaitSummaries } from "./await-summaries.ts";
import type { BackupParent } from "./backup-parent.ts";
import type { ConnectPrimary, FullReason, SourceDetails } from "./backup-source.ts";
import { incrementalRefused } from "./incremental-refusal.ts";
import { LimitBlocks } from "./limit-blocks.ts";
import { otherServer } from "./same-server.ts";
import {
  firstUnsummarized,
  isWithinSummary,
  type LinePosition,
  summariesOf,
  type TimelineSpan,
  timelineSpans,
} from "./timeline-spans.ts";

/** What an incremental copy builds on and is asked for. */
export interface IncrementalPlan {
  readonly parentId: string;
  readonly parent: ManifestReader;
  /** As in the server's own manifest of the parent. */
  readonly walRanges: readonly BackupWalRange[];
  /** Where the parent starts: what changed since is sent. */
  readonly from: LinePosition;
  /** The server's timelines, oldest first. */
  readonly line: readonly TimelineSpan[];
  /** The summaries there were when this was planned, of those that are needed. */
  readonly known: readonly WalSummary[];
  /**
   * Forks that one of them says were cut (at another block than 0): asked for in full. The server merges summaries in the order
   * in which it finds their files in the folder, and newest timeline first; a limit that is merged after the changes of a later
   * summary drops those behind it from what is sent, although they are younger than the cut (basebackup_incremental.c,
   * PrepareForIncrementalBackup; BlockRefTableSetLimitBlock; GetWalSummaries gives the order of readdir, and
   * WalSummariesAreComplete sorts a copy; as of 18.4). Within one summary the order is that of the WAL.
   */
  readonly cut: LimitBlocks;
}

/** How much of the server will be read, and why. */
export type ReadingPlan =
  | { readonly kind: "incremental"; readonly plan: IncrementalPlan }
  | ({ readonly kind: "full" } & FullReason);

export interface ReadingQuestion {
  /** Null: decide by what is there. */
  readonly fullBecause: FullReason | null;
  readonly parent: BackupParent;
  readonly area: ServerArea;
  readonly writer: BackupWriter;
  readonly details: SourceDetails;
  readonly session: ReplicationSession;
  /** The server's present timeline. */
  readonly timeline: number;
  readonly connectSql: ((signal: AbortSignal) => Promise<SqlSession>) | undefined;
  readonly connectPrimary: ConnectPrimary | undefined;
  /** How long a standby is given for a restartpoint behind the parent. */
  readonly restartpointWaitMs: number;
  readonly clock: Clock;
  readonly control: ActControl;
}

/**
 * Decides between an increment and everything. Never throws for what only stands in the way of an increment: then it is
 * everything, with the reason. What can only be known from the server's answers (the summarizer is stuck, a summary was
 * removed meanwhile) ends the attempt later, and `takeBackup` begins another.
 */
export async function planReading(question: ReadingQuestion): Promise<ReadingPlan> {
  const { fullBecause, parent, details, control } = question;
  if (fullBecause !== null) return { kind: "full", ...fullBecause };
  if (parent.parentId === null || parent.facts === null)
    return { kind: "full", why: parent.whyNone, isNews: !parent.isFirst };
  try {
    if (parent.distrust !== null) throw incrementalRefused(parent.distrust);
    assertComparable(parent.facts, details, question.writer);
    return { kind: "incremental", plan: await planIncrement(question, parent.parentId, parent.facts) };
  } catch (error) {
    if (control.signal.aborted || !(error instanceof AppError) || error.code === "internal") throw error;
    const why =
      error.code === "incremental-refused" ? error.message : `no increment could be planned: ${error.message}`;
    return { kind: "full", why, isNews: true };
  }
}

/** What the facts alone say. */
function assertComparable(parent: BackupFacts, details: SourceDetails, writer: BackupWriter): void {
  const { major } = details;
  if (major < 17) throw incrementalRefused(`PostgreSQL ${major} has no incremental backups; they came with 17`);
  if (parent.walRanges === null || parent.walRanges.length === 0) {
    throw incrementalRefused(
      "the last backup does not say which WAL it needs: it was taken before there were increments",
    );
  }
  if (writer.parentProblem !== null)
    throw incrementalRefused(`the last backup cannot be built on: ${writer.parentProblem}`);
  // pg_checksums writes every page, or none, without any WAL.
  if (parent.checksumsEnabled !== details.checksumsEnabled) {
    throw incrementalRefused(
      `page checksums were switched ${details.checksumsEnabled ? "on" : "off"} since the last backup`,
    );
  }
}

async function planIncrement(
  question: ReadingQuestion,
  parentId: string,
  facts: BackupFacts,
): Promise<IncrementalPlan> {
  const { connectSql, control, session, details, area } = question;
  if (connectSql === undefined) {
    throw incrementalRefused(
      "without an SQL session nobody can tell which relations were cut and grew again, and any may have been",
    );
  }
  const walRanges = facts.walRanges ?? [];
  const parent = await area.openManifest(parentId);
  const line = await readLine(session, question.timeline);
  const from = await assertOnLine({ session, line, walRanges, parent });
  const sql = await connectSql(control.signal);
  try {
    const other = await otherServer(sql, session, details.systemIdentifier);
    if (other !== null) throw incrementalRefused(other);
    await assertUninterrupted(sql, parent.backup.facts);
    const { enabled } = await readWalSummarizer(sql);
    if (!enabled) throw incrementalRefused("the server does not summarize its WAL (summarize_wal is off)");
    await assertRestartpoint(question, sql, walRanges);
    await awaitSummaries(sql, line.at(-1)?.beginLsn ?? 0n, question.clock, control.signal);
    const known = await readKnownSummaries(sql, line, from);
    const cut = new LimitBlocks(await readRelationLimits(sql, known));
    return { parentId, parent, walRanges, from, line, known, cut };
  } finally {
    await sql.close();
  }
}

/**
 * Where more was written while the parent ran than is noted (see young-pages.ts), a server that was put back cannot be told
 * by its pages. It was then started since.
 */
async function assertUninterrupted(sql: SqlSession, { youngPages, startedAt }: BackupFacts): Promise<void> {
  if (youngPages === null || youngPages.isWhole) return;
  const [row] = await sql.query<{ restarted: boolean }>(
    "SELECT pg_catalog.pg_postmaster_start_time() > $1::timestamptz AS restarted",
    [startedAt.toISOString()],
  );
  if (row?.restarted === false) return;
  throw incrementalRefused(
    "the server was started anew since the last backup, while which so much was written that nobody can tell whether it went on from there",
  );
}

async function readLine(session: ReplicationSession, timeline: number): Promise<readonly TimelineSpan[]> {
  const history = await session.timelineHistory(timeline);
  const text = history === null ? "" : Buffer.from(history.content).toString("utf8");
  return timelineSpans(parseTimelineHistory(text), timeline);
}

/**
 * Where the parent starts, once it is sure that it is a former state of this server: its WAL lies on the server's own
 * way through the timelines, to its last byte (the server does not check the end), and the timeline it ended on is the one
 * of that number that we know. Two standbys promoted apart from each other both call theirs 2; their history files differ.
 */
async function assertOnLine(what: {
  readonly session: ReplicationSession;
  readonly line: readonly TimelineSpan[];
  readonly walRanges: readonly BackupWalRange[];
  readonly parent: ManifestReader;
}): Promise<LinePosition> {
  const { session, line, walRanges, parent } = what;
  for (const { timeline, endLsn } of walRanges) {
    const span = line.find((one) => one.timeline === timeline);
    if (span === undefined) {
      throw incrementalRefused(`the last backup is of timeline ${timeline}, which is not in the server's history`);
    }
    if (span.endLsn !== null && endLsn > span.endLsn) {
      throw incrementalRefused(
        `the last backup goes to ${formatLsn(endLsn as Lsn)} on timeline ${timeline}, which the server left at ${formatLsn(span.endLsn as Lsn)}`,
      );
    }
  }
  const order = (range: BackupWalRange) => line.findIndex(({ timeline }) => timeline === range.timeline);
  const ordered = [...walRanges].sort((left, right) => order(left) - order(right));
  const [first, last] = [ordered[0], ordered.at(-1)];
  if (first === undefined || last === undefined) throw incrementalRefused("the last backup names no WAL");
  await assertSameHistory(session, parent, last.timeline);
  return { timeline: first.timeline, lsn: first.startLsn };
}

async function assertSameHistory(session: ReplicationSession, parent: ManifestReader, timeline: number): Promise<void> {
  const history = await session.timelineHistory(timeline);
  if (history === null) return;
  const path = `pg_wal/${timelineHistoryName(timeline)}`;
  for await (const file of parent.files()) {
    if (Buffer.from(file.path).toString("latin1") !== path) continue;
    if (file.sizeBytes === BigInt(history.content.length) && file.crc32c === crc32c(history.content)) return;
    throw incrementalRefused(`the last backup's timeline ${timeline} came about in another way than the server's`);
  }
  throw incrementalRefused(`the last backup does not say how its timeline ${timeline} came about`);
}

async function assertRestartpoint(
  { connectPrimary, restartpointWaitMs: limitMs, clock, control }: ReadingQuestion,
  sql: SqlSession,
  walRanges: readonly BackupWalRange[],
): Promise<void> {
  const [row] = await sql.query<{ recovering: boolean }>("SELECT pg_catalog.pg_is_in_recovery() AS recovering");
  if (row?.recovering !== true) return;
  const [parentEndLsn = 0n] = walRanges.map(({ endLsn }) => endLsn).sort((left, right) => (left > right ? -1 : 1));
  const wait = { standby: sql, connectPrimary, parentEndLsn, limitMs, clock, control };
  if (await awaitRestartpoint(wait)) return;
  throw incrementalRefused(
    `the standby made no restartpoint behind ${formatLsn(parentEndLsn as Lsn)}, the end of the last backup, within ${Math.round(limitMs / 1000)} s`,
  );
}

/** What is known to be missing already is said at once; the rest is the server's to find. */
async function readKnownSummaries(
  sql: SqlSession,
  line: readonly TimelineSpan[],
  from: LinePosition,
): Promise<readonly WalSummary[]> {
  const summaries = await readWalSummaries(sql);
  assertCheckpointAt(summaries, from);
  const first = line.findIndex(({ timeline }) => timeline === from.timeline);
  return line.slice(first).flatMap((span, index) => {
    const needed = index === 0 ? { ...span, beginLsn: from.lsn } : span;
    const gap = firstUnsummarized(summaries, needed);
    if (gap !== null) throw summariesMissing(needed.timeline, gap);
    const some = summariesOf(summaries, needed);
    if (needed.endLsn !== null) assertWithin(some, needed.timeline, needed.endLsn);
    return some;
  });
}

/** A timeline's WAL behind the point where the server left it is not the server's past, and its limits would not be either. */
function assertWithin(summaries: readonly { readonly endLsn: bigint }[], timeline: number, endLsn: bigint): void {
  if (summaries.every((one) => one.endLsn <= endLsn)) return;
  throw incrementalRefused(
    `the server has WAL summaries of timeline ${timeline} behind ${formatLsn(endLsn as Lsn)}, where it left that timeline`,
  );
}

/**
 * That the server's WAL is the parent's. A server that was put back to a snapshot goes on with other WAL on the same timeline, and so
 * does a copy of one that was started without an archive: the parent may hold pages of a future that never came, and
 * no summary would name them. Only a checkpoint at the very byte where the parent began says otherwise.
 */
export function assertCheckpointAt(summaries: readonly WalSummary[], from: LinePosition): void {
  if (!isWithinSummary(summaries, from)) return;
  throw incrementalRefused(
    `the server made no checkpoint at ${formatLsn(from.lsn as Lsn)}, where the last backup began: it was put back to an earlier state, or is a copy of that server, and went on differently`,
  );
}

export function summariesMissing(timeline: number, lsn: bigint): AppError {
  return incrementalRefused(
    `the server has no WAL summaries of timeline ${timeline} from ${formatLsn(lsn as Lsn)} on: they were removed (wal_summary_keep_time) or not made`,
  );
}
