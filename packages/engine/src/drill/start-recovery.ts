import { join } from "node:path";
import { AppError, type Clock } from "@tidemark/kit";
import type { PostgresInstallation, RunningCluster } from "@tidemark/local-postgres";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import type { ServerArea } from "@tidemark/repository";
import type { ActControl } from "../act.ts";
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
  readonly cluster: RunningCluster;
  /** Waits until it is where it should be; says why when it does not get there. */
  follow(until: FollowRecovery["until"]): Promise<RecoveredPoint>;
  walUse(): FeedProgress;
  /** Ends what feeds it: from now on it gets no more WAL. */
  stopFeed(): Promise<void>;
}

/** Starts a feed and the server. What is thrown has ended both; `recovery-failed` where the server gave up. */
export async function startRecovery(trial: TrialRecovery): Promise<StartedRecovery> {
  const { area, recovery, place, control, clock } = trial;
  const feed = await startRecoveryFeed({
    archive: area.wal(recovery.systemIdentifier),
    spool: join(place.root, "spool"),
    segmentSizeBytes: trial.segmentSizeBytes,
    prefetch: prefetchFor(trial.segmentSizeBytes),
    partial: true,
    through: throughOf(recovery),
    retryMs: storeRetryMs,
    clock,
  });
  let cluster: RunningCluster;
  try {
    cluster = await startIsolated({
      installation: trial.installation,
      place,
      startTimeoutMs: trial.startTimeoutMs,
      signal: control.signal,
      lifetime: trial.lifetime,
      recovery: askOf(recovery, feed.restoreCommand),
    });
  } catch (error) {
    await feed.stop();
    throw sharper(error, feed);
  }
  return {
    cluster,
    walUse: () => feed.progress(),
    stopFeed: () => feed.stop(),
    follow: async (until) => {
      const teller = tellProgress(trial);
      try {
        return await followRecovery({
          cluster,
          openSession: drillSessions(cluster, "postgres", control.signal),
          until,
          timeoutMs: trial.replayTimeoutMs,
          clock,
          signal: control.signal,
          onPoint: teller,
        });
      } catch (error) {
        throw sharper(error, feed);
      }
    },
  };
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

/** What cannot be asked for this long ends the recovery: a store that is away for longer is no verdict on a backup. */
const storeRetryMs = 60_000;
const tellEveryMs = 1000;
