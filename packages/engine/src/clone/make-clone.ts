import { join } from "node:path";
import { AppError, type Clock, joinCleanup } from "@tidemark/kit";
import { findPostgres, isKnownMajor, type PostgresInstallation, type RunningCluster } from "@tidemark/local-postgres";
import type { TargetRequest } from "@tidemark/policy";
import type { ServerArea } from "@tidemark/repository";
import { type ActControl, cancellation, reachStep } from "../act.ts";
import { drillSessions } from "../drill/drill-sql.ts";
import type { RecoveredPoint } from "../drill/follow-recovery.ts";
import { makeDrillRole, startIsolated } from "../drill/isolated-server.ts";
import { obstacleAnywhere, obstacleHere, planTrial, type TrialTarget } from "../drill/plan-drill.ts";
import { removeScratch, type ScratchPlace, scratchPlace } from "../drill/scratch.ts";
import { executeRestore } from "../restore/execute-restore.ts";
import type { RestorePlan } from "../restore/plan-restore.ts";
import { type CloneRecord, recoveryRecord, writeCloneRecord } from "./clone-record.ts";
import { recoverClone } from "./recover-clone.ts";

export interface CloneDeps {
  readonly area: ServerArea;
  readonly clock: Clock;
  /** Below it each clone has a folder of its own. */
  readonly cloneDir: string;
  readonly postgresCacheDir: string;
}

export interface CloneTimes {
  /** Until it is consistent. */
  readonly startTimeoutMs: number;
  readonly replayTimeoutMs: number;
}

export interface MakeCloneRequest extends CloneTimes {
  readonly cloneId: string;
  readonly backupId: string | null;
  /** Null: the end of the archived WAL when there is any, else the end of the backup. */
  readonly target: TrialTarget | null;
  readonly timeline: TargetRequest["timeline"];
  /** `pause`: read-only at the target, and may be moved on; `promote`: takes writes, with a timeline of its own. */
  readonly action: "pause" | "promote";
  readonly maxBytes: bigint | null;
}

/** A clone that is running. */
export interface CloneStanding {
  readonly record: CloneRecord;
  readonly root: string;
  readonly reached: RecoveredPoint;
  readonly pid: number;
  /** A superuser of it. */
  readonly user: string;
}

/**
 * Restores a copy, starts it isolated, recovers it to the target and leaves it running on its socket, for openGate to
 * let people in. It outlives this process. What is thrown has left nothing behind: `target-unreachable`,
 * `drill-not-possible`, `recovery-failed`, and what a restore throws.
 */
export async function makeClone(
  deps: CloneDeps,
  request: MakeCloneRequest,
  control: ActControl,
): Promise<CloneStanding> {
  const place = await scratchPlace(deps.cloneDir, request.cloneId);
  await removeScratch(place.root);
  try {
    const plan = await planTrial(deps, request, place, control.signal);
    refuseObstacles(plan, request.maxBytes);
    const installation = await findInstallation(deps, Math.floor(plan.facts.serverVersion / 10_000), control);
    await executeRestore(deps, plan, control);
    const record = recordOf(request, plan, installation);
    await writeCloneRecord(place.root, record);
    await reachStep(control, "clone:before-start");
    control.emit({
      kind: "phase",
      phase: "starting",
      message: `starting PostgreSQL ${installation.version}, isolated`,
    });
    if (plan.recovery !== null) {
      return await recoverClone({ deps, times: request, place, record, installation, control }, plan.recovery);
    }
    return await startWithoutArchive(place, record, installation, request, control);
  } catch (error) {
    const first = control.signal.aborted ? cancellation(control.signal) : error;
    throw await joinCleanup(first, () => removeScratch(place.root));
  }
}

/** Finds PostgreSQL of a major: the host's, else npm's. */
export async function findInstallation(
  deps: Pick<CloneDeps, "postgresCacheDir">,
  major: number,
  control: ActControl,
): Promise<PostgresInstallation> {
  if (!isKnownMajor(major))
    throw new AppError("postgres-binaries-missing", { message: `PostgreSQL ${major} is none we know how to run` });
  return await findPostgres(major, {
    cacheDir: deps.postgresCacheDir,
    preferHost: true,
    onProgress: (message) => control.emit({ kind: "log", level: "info", message }),
    signal: control.signal,
  });
}

function refuseObstacles(plan: RestorePlan, maxBytes: bigint | null): void {
  const lost = obstacleAnywhere(plan);
  if (lost !== null) throw new AppError("target-unreachable", { message: lost.sentence });
  const obstacle = obstacleHere(plan, maxBytes);
  if (obstacle !== null)
    throw new AppError("drill-not-possible", { message: `no clone can be made here: ${obstacle}` });
}

function recordOf(request: MakeCloneRequest, plan: RestorePlan, installation: PostgresInstallation): CloneRecord {
  const { systemIdentifier, walSegmentSizeBytes } = plan.facts;
  return {
    cloneId: request.cloneId,
    backupId: plan.backupId,
    systemIdentifier,
    major: installation.major,
    segmentSizeBytes: walSegmentSizeBytes,
    recovery: recoveryRecord(plan.recovery),
    // Without WAL of the archive its recovery is that of a crash, which ends with a server that takes writes.
    promoted: plan.recovery === null || request.action === "promote",
  };
}

async function startWithoutArchive(
  place: ScratchPlace,
  record: CloneRecord,
  installation: PostgresInstallation,
  times: CloneTimes,
  control: ActControl,
): Promise<CloneStanding> {
  const { startTimeoutMs } = times;
  const start = { installation, place, startTimeoutMs, signal: control.signal, lifetime: "detached" } as const;
  const cluster = await startIsolated(start);
  const user = await superuserOf(cluster, control, async () => {
    await cluster.stop({ mode: "fast" });
    await makeDrillRole(start);
    return await startIsolated(start);
  });
  return { record, root: place.root, reached: { lsn: null, at: null }, pid: cluster.pid, user };
}

/** `postgres`, where that is one; else the one that `makeOne` leaves. */
export async function superuserOf(
  cluster: RunningCluster,
  control: ActControl,
  makeOne: (() => Promise<RunningCluster>) | null,
): Promise<string> {
  try {
    const session = await drillSessions(cluster, "postgres", control.signal)("template1");
    await session.close();
    return "postgres";
  } catch (error) {
    if (!(error instanceof AppError && error.code === "role-unknown")) throw error;
    if (makeOne === null) return "postgres";
    await makeOne();
    return "tidemark_drill";
  }
}

/** Where the server of a clone keeps its log. */
export function cloneLog(root: string): string {
  return join(root, "server.log");
}
