import { z } from "zod";
import { defineJob, type Job, type QueueName } from "./job.ts";
import type { RunKind } from "./run-requests.ts";

export const RunPayload = z.object({ runId: z.string().regex(/^run_[0-9a-hjkmnp-tv-z]{26}$/) });
export type RunPayload = z.infer<typeof RunPayload>;
export const SchedulePayload = z.object({ scheduleId: z.string().regex(/^sch_[0-9a-hjkmnp-tv-z]{26}$/) });
export type SchedulePayload = z.infer<typeof SchedulePayload>;

/** Which queue a run of each kind waits in. Total: a new kind does not compile without its queue. */
export const queueOfRun = {
  "connection-test": "connection",
  backup: "backup",
  verify: "verify",
  "restore-plan": "connection",
  restore: "restore",
  retention: "retention",
  "delete-backup": "retention",
  drill: "drill",
  "find-moment": "restore",
  clone: "restore",
  "clone-act": "restore",
  mark: "connection",
  "attach-repository": "connection",
  "recovery-kit": "connection",
  "repository-keys": "connection",
  collect: "maintenance",
  inspect: "server",
  "server-act": "server",
  copy: "maintenance",
  "rebuild-catalog": "connection",
} as const satisfies Record<RunKind, QueueName>;

/** The bell of a run: its payload is the run's id and its name the run's kind. */
export function runJob<K extends RunKind>(kind: K): Job<K, RunPayload> {
  return defineJob({
    queue: queueOfRun[kind],
    name: kind,
    payload: RunPayload,
    jobId: ({ runId }) => runId,
    attempts: 3,
    backoffMs: 5_000,
  });
}

/** A schedule's time has come; made by the queue's own scheduler, handled like any job of `maintenance`. */
export const scheduleTick = defineJob({
  queue: "maintenance",
  name: "schedule-tick",
  payload: SchedulePayload,
  jobId: ({ scheduleId }) => scheduleId,
  attempts: 3,
  backoffMs: 5_000,
});

export type JobName = RunKind | typeof scheduleTick.name;
