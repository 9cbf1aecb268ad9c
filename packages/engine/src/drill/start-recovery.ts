import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, type Clock } from "@tidemark/kit";
import type { PostgresInstallation, RunningCluster } from "@tidemark/local-postgres";
import { formatLsn, higherLimits, type Lsn, parsePgControl, type ServerLimits } from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import type { ActControl } from "../act.ts";
import { exceedsLimits } from "../point-in-time/limits-in-wal.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { type FeedProgress, type RecoveryFeed, startRecoveryFeed } from "../recovery/recovery-feed.ts";
import type { RecoveryAsk } from "../restored-configuration/recovery-settings.ts";
import { drillSessions } from "./drill-sql.ts";
import { type FollowRecovery, followRecovery, type RecoveredPoint } from "./follow-recovery.ts";
import { startIsolated } from "./isolated-server.ts";
import type { ScratchPlace } from "./scratch.ts";

/** A recovery of a copy that lies in its place, to be started here. */
export interface TrialRecovery {
  readonly area: ServerArea;
  readonly clock: Clock;
  readonly installation: PostgresInstallation;
  readonly place: ScratchPlace;
  readonly recovery: RecoveryPlan;
  readonly segmentSizeBytes: number;
  readonly startTimeoutMs: number;
  readonly replayTimeoutMs: number;
  readonly lifetime: "child" | "detached";
  readonly control: ActControl;
}

/** A server of ours that was started on a copy and is recovering from the archive. */
export interface StartedRecovery {
  /** Another one after `follow` had to start it anew. */
  readonly cluster: RunningCluster;
  /** Waits until it is where it should be; says why when it does not get there. */
  follow(until: FollowRecovery["until"]): Promise<RecoveredPoint>;
  walUse(): FeedProgress;
  /** Ends what feeds it: from now on it gets no more WAL. */
  stopFeed(): Promise<void>;
}

/**
 * Starts a feed and the server. What is thrown has ended both; `recovery-failed` where the server gave up.
 *
 * A server that meets a limit its source raised after the backup pauses there, or ends (13, and before it is consistent).
 * Its control file has the new limits by then (xlog_redo, XLOG_PARAMETER_CHANGE), so it is started anew with them.
 */
export async function startRecovery(trial: TrialRecovery): Promise<StartedRecovery> {
  const { area, recovery, place, control, clock } = trial;
  const feed = await startRecoveryFeed({
    archive: area.wal(recovery.systemIdentifier),
    spool: spoolOf(place),
    segmentSizeBytes: trial.segmentSizeBytes,
    prefetch: prefetchFor(trial.segmentSizeBytes),
    partial: true,
    through: throughOf(recovery),
    retryMs: storeRetryMs,
    clock,
  });
  const server = new LimitedServer(trial, feed.restoreCommand);
  try {
    await server.start();
  } catch (error) {
    await feed.stop();
    throw sharper(error, feed);
  }
  const teller = tellProgress(trial);
  const followOnce = (until: FollowRecovery["until"]) =>
    followRecovery({
      cluster: server.cluster,
      openSession: drillSessions(server.cluster, "postgres", control.signal),
      until,
      timeoutMs: trial.replayTimeoutMs,
      clock,
      signal: control.signal,
      isStuck: () => server.isLimited(),
      onPoint: teller,
    });
  return {
    get cluster() {
      return server.cluster;
    },
    walUse: () => feed.progress(),
    stopFeed: () => feed.stop(),
    follow: async (until) => {
      for (;;) {
        try {
          return await followOnce(until);
        } catch (error) {
          if (!(await server.raise(error))) throw sharper(error, feed);
        }
      }
    },
  };
}

/** The server of a recovery, with the limits it was last started with. */
class LimitedServer {
  readonly #trial: TrialRecovery;
  readonly #restoreCommand: string;
  #limits: ServerLimits | null = null;
  #cluster: RunningCluster | null = null;

  constructor(trial: TrialRecovery, restoreCommand: string) {
    this.#trial = trial;
    this.#restoreCommand = restoreCommand;
  }

  get cluster(): RunningCluster {
    if (this.#cluster === null) throw new AppError("internal", { message: "the recovering server was not started" });
    return this.#cluster;
  }

  async start(): Promise<void> {
    const { installation, place, startTimeoutMs, control, lifetime, recovery } = this.#trial;
    for (;;) {
      const met = await this.#metLimits();
      // The highest of each: it replays again what it met before.
      if (met !== null) this.#limits = higherLimits(met, this.#limits);
      try {
        this.#cluster = await startIsolated({
          ...{ installation, place, startTimeoutMs, lifetime, signal: control.signal, least: this.#limits },
          recovery: askOf(recovery, this.#restoreCommand),
        });
        return;
      } catch (error) {
        if (!isServersEnd(error) || !(await this.isLimited())) throw error;
        this.#tell();
      }
    }
  }

  /** Whether it has met limits above its own. */
  async isLimited(): Promise<boolean> {
    const met = await this.#metLimits();
    return met !== null && this.#limits !== null && exceedsLimits(met, this.#limits);
  }

  /** Starts it anew when that is what ended it. */
  async raise(error: unknown): Promise<boolean> {
    if (!isServersEnd(error) || !(await this.isLimited())) return false;
    this.#tell();
    await this.#cluster?.stop({ mode: "fast" });
    await this.start();
    return true;
  }

  #tell(): void {
    const message = "the source was given higher limits after the backup: the copy is started again with them";
    this.#trial.control.emit({ kind: "log", level: "info", message });
  }

  /** Null: read while the server wrote it. */
  async #metLimits(): Promise<ServerLimits | null> {
    try {
      return parsePgControl(await readFile(join(this.#trial.place.dataDir, "global", "pg_control"))).limits;
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }
}

function isServersEnd(error: unknown): boolean {
  return error instanceof AppError && (error.code === "recovery-failed" || error.code === "postgres-start-failed");
}

/** The server only knows that it did not get a file; the feed knows why. */
function sharper(error: unknown, feed: RecoveryFeed): unknown {
  const { failure, lastMissing } = feed.progress();
  if (!(error instanceof AppError) || (error.code !== "recovery-failed" && error.code !== "postgres-start-failed")) {
    return error;
  }
  if (failure !== null) {
    return new AppError(failure.code, {
      message: failure.message,
      hint: failure.hint,
      context: error.context,
      cause: error,
    });
  }
  if (lastMissing === null || !/before configured recovery target|could not locate|consistent/.test(error.message)) {
    return error;
  }
  return new AppError("recovery-failed", {
    message: `${error.message}; ${lastMissing} is not in the archive`,
    hint: error.hint,
    context: error.context,
    cause: error,
  });
}

function askOf(recovery: RecoveryPlan, restoreCommand: string): RecoveryAsk {
  const { action, asStandby } = recovery.request;
  return {
    target: recovery.recoverAs,
    timeline: recovery.timeline,
    action,
    asStandby,
    restoreCommand,
    recoveryEndCommand: "",
  };
}

/** With a target PostgreSQL itself stops there, and may need the record behind it to know that it should. */
function throughOf({ recoverAs, through }: RecoveryPlan): { readonly timeline: number; readonly lsn: bigint } | null {
  return recoverAs.kind === "latest" ? through : null;
}

/** As many segments as fit in 128 MiB, which is what a recovery reads in a second or two. */
function prefetchFor(segmentSizeBytes: number): number {
  return Math.max(2, Math.min(64, Math.floor((128 * 1024 * 1024) / segmentSizeBytes)));
}

/** Replayed bytes of those to replay, four times a second at most. */
function tellProgress({ recovery, control, clock }: TrialRecovery): (point: RecoveredPoint) => void {
  const from = recovery.segments[0]?.startLsn ?? recovery.through.lsn;
  const total = recovery.through.lsn > from ? recovery.through.lsn - from : null;
  let saidMs = Number.NEGATIVE_INFINITY;
  return ({ lsn, at }) => {
    if (lsn === null || clock.monotonicMs() - saidMs < tellEveryMs) return;
    saidMs = clock.monotonicMs();
    const done = lsn > from ? lsn - from : 0n;
    control.emit({ kind: "progress", doneBytes: total !== null && done > total ? total : done, totalBytes: total });
    const time = at === null ? "" : ` (${at.toISOString()})`;
    const goal = formatLsn(recovery.through.lsn as Lsn);
    control.emit({ kind: "log", level: "info", message: `replayed to ${formatLsn(lsn as Lsn)}${time} of ${goal}` });
  };
}

/** Where the WAL for its recovery is handed to it. */
export function spoolOf({ root }: ScratchPlace): string {
  return join(root, "spool");
}

/** What cannot be asked for this long ends the recovery: a store that is away for longer is no verdict on a backup. */
const storeRetryMs = 60_000;
const tellEveryMs = 1000;
