import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, type Clock } from "@tidemark/kit";
import { findPostmaster, readPostmasterFile, startCluster } from "@tidemark/local-postgres";
import type { RecoveryTarget, TargetRequest } from "@tidemark/policy";
import { formatLsn, type Lsn, parsePgControl } from "@tidemark/postgres";
import type { ActControl } from "../act.ts";
import { catalogQuestionMs } from "../drill/drill-question.ts";
import { drillSessions, type OpenDrillSession } from "../drill/drill-sql.ts";
import { askStanding, followRecovery, type RecoveredPoint } from "../drill/follow-recovery.ts";
import { obstacleAnywhere, planTrial } from "../drill/plan-drill.ts";
import { removeScratch, type ScratchPlace, scratchPlace } from "../drill/scratch.ts";
import { spoolOf } from "../drill/start-recovery.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { answerNothing } from "../recovery/ended-feed.ts";
import type { LocateServer } from "./clone-gate.ts";
import { type CloneRecord, requireCloneRecord, writeCloneRecord } from "./clone-record.ts";
import { type CloneDeps, type CloneStanding, type CloneTimes, cloneLog, findInstallation } from "./make-clone.ts";
import { recoverClone, startAgain } from "./recover-clone.ts";

type HereDeps = Pick<CloneDeps, "cloneDir" | "clock" | "postgresCacheDir">;

/** Where a clone's server takes connections, asked anew each time: it may have been started again meanwhile. */
export function locateClone(root: string): LocateServer {
  const dataDir = join(root, "data");
  return async () => {
    if ((await findPostmaster(dataDir)) === null) return null;
    const file = await readPostmasterFile(dataDir);
    if (file === null || file.port === null || file.socketDir === null || file.status !== "ready") return null;
    return { socketDir: file.socketDir, port: file.port };
  };
}

/** Sessions with a running clone as its superuser. Throws `clone-expired` when it is not running. */
export async function cloneSessions(root: string, user: string, signal: AbortSignal): Promise<OpenDrillSession> {
  const place = await locateClone(root)();
  if (place === null) throw new AppError("clone-expired", { message: "the clone is not running" });
  return drillSessions(place, user, signal);
}

/** A clone as it is on this machine, started again when its server is not running (a crash, a reboot). */
export async function resumeClone(
  deps: HereDeps,
  cloneId: string,
  times: CloneTimes,
  control: ActControl,
): Promise<CloneStanding> {
  const place = await scratchPlace(deps.cloneDir, cloneId);
  const record = await noticePromotion(place, await requireCloneRecord(place.root));
  const pid = await findPostmaster(place.dataDir).catch(() => null);
  if (pid !== null && (await locateClone(place.root)()) !== null) {
    const reached = await askStanding(await cloneSessions(place.root, "postgres", control.signal));
    return { record, root: place.root, reached: reached ?? { lsn: null, at: null }, pid, user: "postgres" };
  }
  const installation = await findInstallation(deps, record.major, control);
  return await startAgain({ times, place, record, installation, control, clock: deps.clock });
}

/**
 * Moves a paused clone on to a later target: stops it, starts it with the new one. Never backwards (`bad-request`): what
 * was applied cannot be taken back. A move that fails leaves the clone where it was.
 */
export async function moveClone(
  deps: CloneDeps,
  request: CloneTimes & {
    readonly cloneId: string;
    readonly target: RecoveryTarget;
    readonly timeline: TargetRequest["timeline"];
  },
  control: ActControl,
): Promise<CloneStanding> {
  const place = await scratchPlace(deps.cloneDir, request.cloneId);
  const standing = await resumeClone(deps, request.cloneId, request, control);
  const { record } = standing;
  if (record.promoted || record.recovery === null) {
    throw new AppError("bad-request", {
      message: "the clone takes writes: it has a history of its own and cannot be moved on",
      hint: "make a new clone for the other target",
    });
  }
  const recovery = await planMove(deps, request, place, record, control);
  refuseBackwards(record, standing.reached, request.target, recovery);
  const installation = await findInstallation(deps, record.major, control);
  const work = { deps, times: request, place, record, installation, control };
  await stopClone(place, installation, control);
  try {
    return await recoverClone(work, recovery);
  } catch (error) {
    control.emit({ kind: "log", level: "warning", message: "the move failed; the clone is started where it was" });
    await startAgain({ ...work, clock: deps.clock, control: { ...control, signal: new AbortController().signal } });
    throw error;
  }
}

async function planMove(
  deps: CloneDeps,
  request: { readonly target: RecoveryTarget; readonly timeline: TargetRequest["timeline"] },
  place: ScratchPlace,
  record: CloneRecord,
  control: ActControl,
): Promise<RecoveryPlan> {
  const timeline = request.timeline === "current" ? (record.recovery?.timeline ?? "current") : request.timeline;
  const goal = { backupId: record.backupId, target: request.target, timeline, action: "pause" } as const;
  const plan = await planTrial(deps, goal, place, control.signal);
  const lost = obstacleAnywhere(plan);
  if (lost !== null) throw new AppError("target-unreachable", { message: lost.sentence });
  if (plan.recovery === null) throw new AppError("target-unreachable", { message: "there is no WAL for that target" });
  return plan.recovery;
}

function refuseBackwards(
  record: CloneRecord,
  reached: RecoveredPoint,
  target: RecoveryTarget,
  { through }: RecoveryPlan,
): void {
  const before = record.recovery?.target;
  const isEarlier =
    (reached.lsn !== null && through.lsn < reached.lsn) ||
    (before?.kind === "time" && target.kind === "time" && target.at < before.at) ||
    (target.kind === "time" && reached.at !== null && target.at < reached.at) ||
    (target.kind === "lsn" && reached.lsn !== null && target.lsn < reached.lsn);
  if (!isEarlier) return;
  const where = reached.lsn === null ? "" : ` (${formatLsn(reached.lsn as Lsn)})`;
  throw new AppError("bad-request", {
    message: `the clone is behind that already${where}: it cannot be moved backwards`,
    hint: "make a new clone for an earlier target",
  });
}

/** Ends the recovery of a paused clone where it stands: from now on it takes writes, on a timeline of its own. */
export async function promoteClone(
  deps: HereDeps,
  request: CloneTimes & { readonly cloneId: string },
  control: ActControl,
): Promise<CloneStanding> {
  const standing = await resumeClone(deps, request.cloneId, request, control);
  if (standing.record.promoted) return standing;
  const place = await scratchPlace(deps.cloneDir, request.cloneId);
  const installation = await findInstallation(deps, standing.record.major, control);
  const openSession = await cloneSessions(place.root, standing.user, control.signal);
  const takeBack = await answerNothing(spoolOf(place));
  const session = await openSession("template1");
  try {
    await session.query("SELECT pg_catalog.pg_promote(true, 60)::text AS answer", [], catalogQuestionMs * 2);
  } finally {
    await session.close();
  }
  const cluster = await adopt(place, installation, control);
  const clock: Clock = deps.clock;
  const until = "writable" as const;
  await followRecovery({
    cluster,
    openSession,
    until,
    timeoutMs: request.startTimeoutMs,
    clock,
    signal: control.signal,
  });
  const record = { ...standing.record, promoted: true };
  await writeCloneRecord(place.root, record);
  await takeBack();
  return { ...standing, record };
}

/**
 * Whoever promoted it may have died before the record said so: its control file says it also where it is stopped. That of
 * a copy whose server was never started is the source's, and there is a `backup_label` beside it.
 */
async function noticePromotion(place: ScratchPlace, record: CloneRecord): Promise<CloneRecord> {
  if (record.promoted || record.recovery === null || (await isThere(join(place.dataDir, "backup_label"))))
    return record;
  if (!takesWrites.has(await clusterState(place.dataDir))) return record;
  const promoted = { ...record, promoted: true };
  await writeCloneRecord(place.root, promoted);
  return promoted;
}

async function clusterState(dataDir: string): Promise<string> {
  try {
    return parsePgControl(await readFile(join(dataDir, "global", "pg_control"))).state;
  } catch (error) {
    // Read while the server wrote it: the next look will tell.
    if (error instanceof AppError) return "unknown";
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}

/** States of a cluster whose recovery has ended. */
const takesWrites: ReadonlySet<string> = new Set(["in-production", "shutting-down", "shut-down"]);

/** Stops a clone's server and keeps its files: `resumeClone` starts it where it was. */
export async function haltClone(deps: HereDeps, cloneId: string, control: ActControl): Promise<void> {
  const place = await scratchPlace(deps.cloneDir, cloneId);
  const record = await requireCloneRecord(place.root);
  await stopClone(place, await findInstallation(deps, record.major, control), control);
}

/** Where a clone of that id lies on this machine. */
export async function cloneRoot(cloneDir: string, cloneId: string): Promise<string> {
  return (await scratchPlace(cloneDir, cloneId)).root;
}

/** Stops a clone and gives its space back. Fine when there is none. */
export async function endClone(cloneDir: string, cloneId: string): Promise<void> {
  await removeScratch((await scratchPlace(cloneDir, cloneId)).root);
}

async function stopClone(place: ScratchPlace, installation: CloneInstallation, control: ActControl): Promise<void> {
  if ((await findPostmaster(place.dataDir)) === null) return;
  const cluster = await adopt(place, installation, control);
  await cluster.stop({ mode: "fast" });
}

type CloneInstallation = Awaited<ReturnType<typeof findInstallation>>;

async function adopt(place: ScratchPlace, installation: CloneInstallation, control: ActControl) {
  return await startCluster({
    installation,
    dataDir: place.dataDir,
    listen: "socket-only",
    ifRunning: "adopt",
    logPath: cloneLog(place.root),
    lifetime: "detached",
    signal: control.signal,
  });
}
