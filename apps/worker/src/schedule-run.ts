import { storedDrillSettings } from "@tidemark/jobs";
import { newId } from "@tidemark/kit";
import type { NewRun, Run, ScheduleRow, Server } from "@tidemark/metadata";
import { ringFor } from "./start-run.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type ScheduleDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger">;

/**
 * Makes the run of one time of a schedule and rings for it. A time has one run, however often its bell rings and
 * whoever hears it. Null when there is nothing to do at that time (no backup to verify, the server is gone).
 */
export async function runSchedule(
  deps: ScheduleDeps,
  schedule: ScheduleRow,
  firedFor: Date,
  late: string | null,
): Promise<Run | null> {
  const server = await deps.metadata.servers.get(schedule.serverId);
  if (server === null || server.removedAt !== null) return null;
  const wanted = await runFor(deps, schedule, server);
  if (wanted === null) {
    deps.logger.info({ scheduleId: schedule.id }, `nothing to ${schedule.kind} at ${firedFor.toISOString()}`);
    await deps.metadata.schedules.recordFired(schedule.id, firedFor);
    return null;
  }
  const { run, outcome } = await deps.metadata.runs.create({ ...wanted, schedule: { id: schedule.id, firedFor } });
  await deps.metadata.schedules.recordFired(schedule.id, firedFor);
  if (outcome !== "created") return run;
  if (late !== null)
    await deps.metadata.runs.appendEvents(run.id, [{ level: "warn", message: `this run is late: ${late}` }]);
  await ringFor(deps, run);
  return run;
}

async function runFor(deps: ScheduleDeps, schedule: ScheduleRow, server: Server): Promise<NewRun | null> {
  const base = { serverId: server.id, repositoryId: server.repositoryId, requestedBy: "schedule" };
  switch (schedule.kind) {
    case "backup":
      return newBackupRun(server, { requestedBy: "schedule", drillAfter: false });
    case "retention":
      return { ...base, kind: "retention", request: { serverId: server.id, planHash: null } };
    case "drill": {
      const [newest] = await deps.metadata.backups.latestRestorable([server.id]);
      if (newest === undefined) return null;
      const settings = storedDrillSettings(server.drillSettings);
      // A fixed place of the past needs the backup that fits it; the usual ends are reached from the newest.
      const fixed =
        settings.target !== null && settings.target.kind !== "latest" && settings.target.kind !== "immediate";
      const backupId = fixed ? null : newest.id;
      return {
        ...base,
        kind: "drill",
        backupId,
        request: { ...settings, serverId: server.id, backupId, promised: true },
      };
    }
    case "verify": {
      const [newest] = await deps.metadata.backups.latestRestorable([server.id]);
      if (newest === undefined) return null;
      return {
        ...base,
        kind: "verify",
        backupId: newest.id,
        request: { serverId: server.id, backupId: newest.id },
      };
    }
  }
}

/** A backup run and its backup's row, which come into being together. */
export function newBackupRun(
  server: Pick<Server, "id" | "repositoryId" | "backupMethod">,
  options: { readonly requestedBy: string; readonly drillAfter: boolean },
): NewRun {
  const backupId = newId("backup");
  return {
    kind: "backup",
    serverId: server.id,
    repositoryId: server.repositoryId,
    backupId,
    requestedBy: options.requestedBy,
    backup: { id: backupId, serverId: server.id, repositoryId: server.repositoryId },
    request: {
      serverId: server.id,
      backupId,
      // The server's usual spread checkpoint may take minutes, in which nothing happens and WAL piles up.
      checkpoint: "fast",
      maxRateKib: null,
      label: null,
      method: server.backupMethod,
      drillAfter: options.drillAfter,
    },
  };
}
