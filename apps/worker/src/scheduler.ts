import { AppError } from "@tidemark/kit";
import type { OfflinePeriod, ScheduleRow } from "@tidemark/metadata";
import { missedRun } from "@tidemark/policy";
import { newestPeriods } from "./offline.ts";
import { runSchedule } from "./schedule-run.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type SchedulerDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger" | "clock">;

/**
 * Answers the bell of a schedule. One that was changed or removed meanwhile is not run, and none of an offline server:
 * what it misses is listed when it goes online (policy `missedTimes`), also for a bell that rings only after that.
 */
export async function tickSchedule(deps: SchedulerDeps, scheduleId: string, firedFor: Date): Promise<void> {
  const schedule = await deps.metadata.schedules.get(scheduleId);
  if (schedule === null || !schedule.enabled) return;
  const period = (await newestPeriods(deps, [schedule.serverId])).get(schedule.serverId);
  if (period !== undefined && skips(period, firedFor)) {
    deps.logger.info(
      { scheduleId, serverId: schedule.serverId },
      "the server is or was offline: its schedule does not run",
    );
    return;
  }
  await runSchedule(deps, schedule, firedFor, null);
}

/** Whether that time is not run because of it: all of them while it lasts. */
function skips({ since, endedAt }: OfflinePeriod, time: Date): boolean {
  return endedAt === null || (since < time && time <= endedAt);
}

/** Makes the queue's schedulers equal to the enabled rows: after a lost queue all of them are made again. */
export async function alignSchedulers(deps: SchedulerDeps): Promise<void> {
  const rows = await deps.metadata.schedules.enabled();
  const wanted = new Map(rows.map((row) => [row.id, row]));
  const present = new Map((await deps.queues.listSchedules()).map((schedule) => [schedule.scheduleId, schedule]));
  for (const scheduleId of present.keys()) {
    if (!wanted.has(scheduleId)) await deps.queues.removeSchedule(scheduleId);
  }
  for (const row of rows) {
    const there = present.get(row.id);
    // One whose next time is long past has lost its place in the queue.
    const alive = there?.nextAt != null && there.nextAt.getTime() > deps.clock.now().getTime() - toleranceMs;
    if (alive && there.cron === row.cron && there.zone === row.zone) continue;
    await putSchedule(deps, row);
  }
}

/** Schedules whose time passed while nobody listened (all was down, the queue was lost) run once, late, and say so. */
export async function runMissed(deps: SchedulerDeps): Promise<number> {
  let made = 0;
  const now = deps.clock.now();
  const schedules = await deps.metadata.schedules.enabled();
  const periods = await newestPeriods(
    deps,
    schedules.map((schedule) => schedule.serverId),
  );
  for (const schedule of schedules) {
    const period = periods.get(schedule.serverId);
    if (period !== undefined && period.endedAt === null) continue;
    const since = latest(
      schedule.lastFiredAt,
      schedule.createdAt,
      period?.endedAt ?? null,
      schedule.lastFiredAt === null ? schedule.updatedAt : null,
    );
    const missed = missedOf(deps, schedule, since, now);
    if (missed === null) continue;
    const run = await runSchedule(deps, schedule, missed.dueAt, missed.sentence);
    if (run !== null) made++;
  }
  return made;
}

/** Null also for a zone this machine does not know, which `putSchedule` tells: the others are still caught up with. */
function missedOf(
  deps: SchedulerDeps,
  { id, cron, zone }: ScheduleRow,
  lastFiredAt: Date,
  now: Date,
): ReturnType<typeof missedRun> {
  try {
    return missedRun({ cron, timeZone: zone, lastFiredAt, now, toleranceMs });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "cron-invalid") throw error;
    deps.logger.debug({ err: error, scheduleId: id }, "what this schedule missed cannot be told");
    return null;
  }
}

async function putSchedule(deps: SchedulerDeps, row: ScheduleRow): Promise<void> {
  try {
    await deps.queues.upsertSchedule(row.id, row.cron, row.zone);
  } catch (error) {
    // A zone this machine does not know: the others must still be rung.
    if (!(error instanceof AppError) || error.code !== "cron-invalid") throw error;
    deps.logger.error({ err: error, scheduleId: row.id }, `schedule ${row.id} cannot be kept`);
  }
}

function latest(...times: readonly (Date | null)[]): Date {
  return new Date(Math.max(...times.map((time) => time?.getTime() ?? 0)));
}

/** How late the queue's own bell may ring before a time counts as missed. */
const toleranceMs = 45_000;
