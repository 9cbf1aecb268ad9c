import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, type Clock } from "@tidemark/kit";
import type { PostgresInstallation } from "@tidemark/local-postgres";
import { parsePgControl } from "@tidemark/postgres";
import type { ActControl } from "../act.ts";
import { drillSessions } from "../drill/drill-sql.ts";
import { askStanding, followRecovery, type RecoveredPoint } from "../drill/follow-recovery.ts";
import { startIsolated } from "../drill/isolated-server.ts";
import type { ScratchPlace } from "../drill/scratch.ts";
import { type StartedRecovery, startRecovery } from "../drill/start-recovery.ts";
import type { RecoveryPlan } from "../point-in-time/recovery-request.ts";
import { type CloneRecord, recoveryRecord, writeCloneRecord } from "./clone-record.ts";
import type { CloneDeps, CloneStanding, CloneTimes } from "./make-clone.ts";

export interface CloneWork {
  readonly deps: CloneDeps;
  readonly times: CloneTimes;
  readonly place: ScratchPlace;
  readonly record: CloneRecord;
  readonly installation: PostgresInstallation;
  readonly control: ActControl;
}

/**
 * Starts a clone's server and brings it to where its recovery shall end. With a target PostgreSQL itself pauses there.
 * At the end of the WAL nothing pauses it: it runs as a standby until all of it is applied, and is then started again
 * without an archive, which leaves it where it is (restore_command cannot be changed without that before 14).
 */
export async function recoverClone(work: CloneWork, recovery: RecoveryPlan): Promise<CloneStanding> {
  const { deps, times, place, installation, control } = work;
  control.emit({ kind: "phase", phase: "replaying", message: recovery.sentence });
  const started = await startRecovery({
    area: deps.area,
    clock: deps.clock,
    installation,
    place,
    recovery,
    segmentSizeBytes: work.record.segmentSizeBytes,
    ...times,
    lifetime: "detached",
    control,
  });
  const record = { ...work.record, recovery: recoveryRecord(recovery) };
  let reached: RecoveredPoint;
  try {
    reached = await arrive(started, recovery);
  } catch (error) {
    await started.cluster.stop({ mode: "immediate" });
    throw error;
  } finally {
    await started.stopFeed();
  }
  await writeCloneRecord(place.root, record);
  if (!recovery.request.asStandby) {
    return { record, root: place.root, reached, pid: started.cluster.pid, user: "postgres" };
  }
  await started.cluster.stop({ mode: "fast" });
  return await startAgain({ ...work, record, clock: deps.clock });
}

async function arrive(started: StartedRecovery, recovery: RecoveryPlan): Promise<RecoveredPoint> {
  if (recovery.request.action === "promote") return await started.follow("writable");
  if (!recovery.request.asStandby) return await started.follow("paused");
  let before: bigint | null = null;
  return await started.follow(({ lsn }) => {
    const isThere = lsn !== null && recovery.through.at !== null && lsn >= recovery.through.lsn;
    // Where nobody read the WAL its end is where the archive has no more and nothing moves.
    const isStill = lsn !== null && lsn === before && started.walUse().lastMissing !== null;
    before = lsn;
    return isThere || (recovery.through.at === null && isStill);
  });
}

type StartWork = Omit<CloneWork, "deps"> & { readonly clock: Clock };

/**
 * Starts a clone that is stopped where it was, from what is on its disk alone. Where a move was cut off after it had gone
 * beyond the old target nothing leads back there: it stands, read-only, where it came to, and can be moved on.
 */
export async function startAgain(work: StartWork): Promise<CloneStanding> {
  const { record, control, place } = work;
  const { recovery } = record;
  try {
    return await startWhereItWas(work);
  } catch (error) {
    if (recovery === null || record.promoted || recovery.asStandby || !isBeyondTarget(error)) throw error;
    const message = "it has gone beyond its old target: it is started where it came to";
    control.emit({ kind: "log", level: "warning", message });
    const standing = await startWhereItCameTo(work, { ...recovery, action: "pause", sentence: movedOn });
    await writeCloneRecord(place.root, standing.record);
    return standing;
  }
}

/**
 * Up to where its pages are (minRecoveryPoint), and no further, though more WAL may lie in pg_wal. With no record behind
 * that PostgreSQL does not stop there but ends: then a standby, which takes what there is, stands in the same place.
 */
async function startWhereItCameTo(work: StartWork, recovery: NonNullable<CloneRecord["recovery"]>) {
  const { minRecoveryLsn } = parsePgControl(await readFile(join(work.place.dataDir, "global", "pg_control")));
  const target = { kind: "lsn", lsn: minRecoveryLsn, inclusive: false } as const;
  const startWith = (asked: typeof recovery) =>
    startWhereItWas({ ...work, record: { ...work.record, recovery: asked } });
  try {
    return await startWith({ ...recovery, target });
  } catch (error) {
    if (!isServersEnd(error)) throw error;
    return await startWith({ ...recovery, target: { kind: "latest" }, asStandby: true });
  }
}

const movedOn = "stands where a move was cut off";

/** xlogrecovery.c: recovery ended at a target before minRecoveryPoint, which no start can undo. */
function isBeyondTarget(error: unknown): boolean {
  return isServersEnd(error) && /stop point is before consistent recovery point/.test(error.message);
}

function isServersEnd(error: unknown): error is AppError {
  return error instanceof AppError && (error.code === "postgres-start-failed" || error.code === "recovery-failed");
}

async function startWhereItWas(work: StartWork): Promise<CloneStanding> {
  const { place, record, installation, control, times } = work;
  const { recovery } = record;
  const cluster = await startIsolated({
    installation,
    place,
    startTimeoutMs: times.startTimeoutMs,
    signal: control.signal,
    lifetime: "detached",
    recovery:
      record.promoted || recovery === null
        ? null
        : {
            ...recovery,
            // All it had applied lies in pg_wal from its last restartpoint on; recovery.signal wants a command.
            restoreCommand: recovery.asStandby ? "" : "exit 1",
            recoveryEndCommand: "",
          },
  });
  const openSession = drillSessions(cluster, "postgres", control.signal);
  const follow = { cluster, openSession, timeoutMs: times.replayTimeoutMs, clock: work.clock, signal: control.signal };
  const pauses = recovery !== null && !record.promoted && !recovery.asStandby;
  const reached = pauses ? await followRecovery({ ...follow, until: "paused" }) : await askStanding(openSession);
  const { root } = place;
  return { record, root, reached: reached ?? { lsn: null, at: null }, pid: cluster.pid, user: "postgres" };
}
