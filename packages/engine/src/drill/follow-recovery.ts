import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock, formatDuration } from "@tidemark/kit";
import { type RunningCluster, reasonInLog } from "@tidemark/local-postgres";
import { formatLsn, type Lsn, parseLsn, parsePgControl } from "@tidemark/postgres";
import { throwIfCancelled } from "../act.ts";
import { catalogQuestionMs } from "./drill-question.ts";
import { type DrillSession, type OpenDrillSession, openAnyDatabase } from "./drill-sql.ts";

/** How far a recovery is: the end of the last record applied, and the time of the last commit among them. */
export interface RecoveredPoint {
  readonly lsn: bigint | null;
  readonly at: Date | null;
}

export interface FollowRecovery {
  readonly cluster: RunningCluster;
  readonly openSession: OpenDrillSession;
  /** `writable`: the recovery has ended and the server takes writes; `paused`: it stands at its target; or what it says
   * of itself, once for each answer. */
  readonly until: "writable" | "paused" | ((point: RecoveredPoint) => boolean);
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Asked where it pauses: whether something else than its target holds it there. Left out: nothing does. */
  readonly isStuck?: (() => Promise<boolean>) | undefined;
  readonly onPoint?: ((point: RecoveredPoint) => void) | undefined;
}

/**
 * Waits until the recovery of a server that was started is where it should come. Throws `recovery-failed` with the
 * server's own reason when it ends before, or takes longer than `timeoutMs`.
 */
export async function followRecovery(follow: FollowRecovery): Promise<RecoveredPoint> {
  const { cluster, clock, signal } = follow;
  const startedMs = clock.monotonicMs();
  const asker = new Asker(follow.openSession);
  let point: RecoveredPoint = { lsn: null, at: null };
  try {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 1.5, longestPauseMs)) {
      throwIfCancelled(signal);
      if (!cluster.isRunning()) throw await whyEnded(cluster);
      // Before the question, so that what it answers is where the recovery ended.
      const ended = await hasEnded(cluster.dataDir);
      const standing = await asker.ask();
      if (standing !== null) {
        point = standing.point;
        follow.onPoint?.(point);
      }
      // Where it stands nobody will ever say; that it takes writes the control file does.
      if (asker.lacksRole && follow.until !== "writable") throw unasked();
      // A pause at limits below its source's looks like one at the target.
      if (standing?.paused === true && (await follow.isStuck?.()) === true) throw stuck(point);
      if (isThere(follow.until, ended, standing)) return point;
      if (ended && follow.until !== "writable") throw endedEarly(point);
      if (clock.monotonicMs() - startedMs > follow.timeoutMs) throw tooLong(follow.timeoutMs);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await asker.close();
  }
}

interface Standing {
  readonly point: RecoveredPoint;
  readonly paused: boolean;
}

function isThere(until: FollowRecovery["until"], ended: boolean, standing: Standing | null): boolean {
  if (until === "writable") return ended;
  if (standing === null) return false;
  if (until === "paused") return standing.paused;
  return until(standing.point);
}

/** Where a server stands that recovers, or recovered; null while nobody can ask it. */
export async function askStanding(openSession: OpenDrillSession): Promise<RecoveredPoint | null> {
  const asker = new Asker(openSession);
  try {
    return (await asker.ask())?.point ?? null;
  } finally {
    await asker.close();
  }
}

/** The control file says it also where nobody can log in. */
async function hasEnded(dataDir: string): Promise<boolean> {
  try {
    return parsePgControl(await readFile(join(dataDir, "global", "pg_control"))).state === "in-production";
  } catch (error) {
    // Read while the server wrote it: its checksum does not fit, and the next look will.
    if (error instanceof AppError) return false;
    throw error;
  }
}

/** One session that is made again when a replayed DROP DATABASE, or the end of the recovery, cuts it. */
class Asker {
  /** The server takes connections, and has no role of the name we come under. */
  lacksRole = false;
  readonly #open: OpenDrillSession;
  #session: DrillSession | null = null;

  constructor(open: OpenDrillSession) {
    this.#open = open;
  }

  /** Null while nobody can be asked: not yet, or no role of ours may log in. */
  async ask(): Promise<Standing | null> {
    try {
      this.#session ??= await openAnyDatabase(this.#open);
      const [row] = await this.#session.query(
        `SELECT pg_catalog.pg_last_wal_replay_lsn()::text AS lsn,
                pg_catalog.date_part('epoch', pg_catalog.pg_last_xact_replay_timestamp())::text AS at,
                CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_is_wal_replay_paused() END::text AS paused`,
        [],
        catalogQuestionMs,
      );
      const lsn = row?.lsn == null ? null : parseLsn(row.lsn);
      const at = row?.at == null ? null : new Date(Math.floor(Number(row.at) * 1000));
      return { point: { lsn, at }, paused: row?.paused === "true" };
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      await this.close();
      this.lacksRole = error.code === "role-unknown";
      return null;
    }
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = null;
    await session?.close().catch(() => undefined);
  }
}

async function whyEnded(cluster: RunningCluster): Promise<AppError> {
  const log = await cluster.readLog();
  return new AppError("recovery-failed", {
    message: `the recovery ended before its target: ${reasonInLog(log)}`,
    hint: `the server's log is ${cluster.logPath}`,
    context: { logPath: cluster.logPath },
  });
}

function endedEarly({ lsn }: RecoveredPoint): AppError {
  return new AppError("recovery-failed", {
    message: `the recovery ended instead of stopping where it should${lsn === null ? "" : `, at ${formatLsn(lsn as Lsn)}`}`,
  });
}

function stuck({ lsn }: RecoveredPoint): AppError {
  return new AppError("recovery-failed", {
    message: `the recovery paused before its target${lsn === null ? "" : `, at ${formatLsn(lsn as Lsn)}`}: the server's limits are below those of its source`,
  });
}

function unasked(): AppError {
  return new AppError("drill-not-possible", {
    message: "the recovering copy has no role postgres that may log in, so it cannot be asked where it stands",
    hint: "have it promoted at its target, or create the role on the source and take a backup",
  });
}

function tooLong(timeoutMs: number): AppError {
  return new AppError("recovery-failed", {
    message: `the recovery was not done after ${formatDuration(timeoutMs)}`,
    hint: "allow it more time, or take a backup nearer to the target",
  });
}

const firstPauseMs = 20;
const longestPauseMs = 500;
