import { AppError, type Logger } from "@tidemark/kit";
import { DelayedError, UnrecoverableError } from "bullmq";
import type { QueueName } from "./job.ts";
import type { Backend, BellJob } from "./queue-backend.ts";
import type { QueueWorker, Ring, RingHandler } from "./queues.ts";
import { RunPayload, SchedulePayload, scheduleTick } from "./run-jobs.ts";
import { runKinds } from "./run-requests.ts";
import { settleWithin } from "./settle-within.ts";

export interface WorkerParts {
  readonly backend: Backend;
  readonly logger: Logger;
  readonly queue: QueueName;
  readonly handler: RingHandler;
  readonly concurrency: number;
  /** The wall clock, which BullMQ counts delays by. */
  readonly now: () => Date;
}

/** Works off one queue. Whatever the handler throws is logged here; the row, not the queue, remembers it. */
export function startWorker(parts: WorkerParts): QueueWorker {
  const stop = new AbortController();
  const running = new Set<Promise<void>>();
  const worker = parts.backend.worker(
    parts.queue,
    (job, token) => {
      const turn = takeTurn(parts, job, token, stop.signal);
      const settled = turn.catch(() => undefined);
      running.add(settled);
      void settled.then(() => running.delete(settled));
      return turn;
    },
    parts.concurrency,
  );
  worker.on("error", (error) => parts.logger.warn({ err: error, queue: parts.queue }, "the queue reports an error"));
  worker.on("failed", (job, error) =>
    parts.logger.error({ err: error, queue: parts.queue, job: job?.id }, "a bell's handler failed"),
  );
  let closing: Promise<void> | null = null;
  return {
    queue: parts.queue,
    close: (graceMs = 10_000) => {
      closing ??= closeWorker(() => worker.close(), running, stop, { graceMs, logger: parts.logger });
      return closing;
    },
  };
}

/**
 * BullMQ's close takes nothing new and waits for what runs; when the grace is over the handlers are told to stop. What
 * BullMQ does after the last handler is not waited for long, because it hangs when the queue's place is gone.
 */
async function closeWorker(
  close: () => Promise<void>,
  running: ReadonlySet<Promise<void>>,
  stop: AbortController,
  options: { readonly graceMs: number; readonly logger: Logger },
): Promise<void> {
  const timer = setTimeout(() => stop.abort(), options.graceMs);
  const closed = close();
  try {
    // A job fetched at the last moment may begin its turn while others end theirs.
    while (running.size > 0) await Promise.all(running);
    const warn = (error: unknown) => options.logger.warn({ err: error }, "a queue's worker closed with an error");
    if (!(await settleWithin(farewellMs, closed, warn))) options.logger.warn("a queue's worker did not close in time");
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** Marking the last jobs as done takes milliseconds where the queue's place answers at all. */
const farewellMs = 3_000;

async function takeTurn(
  parts: WorkerParts,
  job: BellJob,
  token: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const again = await ringHandler(parts, job, signal);
  if (again === undefined) return;
  await job.moveToDelayed(parts.now().getTime() + again.againInMs, token);
  throw new DelayedError();
}

async function ringHandler(parts: WorkerParts, job: BellJob, signal: AbortSignal) {
  try {
    return (await parts.handler(readRing(job), signal)) ?? undefined;
  } catch (error) {
    if (!(error instanceof AppError) || error.retry !== "never") throw error;
    const final = new UnrecoverableError(`${error.code}: ${error.message}`);
    final.cause = error;
    throw final;
  }
}

/** A bell that no version of ours hung is not tried again. */
function readRing(job: BellJob): Ring {
  const payload: unknown = job.data;
  if (job.name === scheduleTick.name) {
    const parsed = SchedulePayload.safeParse(payload);
    if (parsed.success) return { name: scheduleTick.name, ...parsed.data, firedFor: firedFor(job) };
  }
  const kind = runKinds.find((known) => known === job.name);
  const parsed = RunPayload.safeParse(payload);
  if (kind !== undefined && parsed.success) return { name: kind, ...parsed.data };
  throw new AppError("bad-request", { message: `the queue holds a bell that is none of ours (${job.name} ${job.id})` });
}

/** The cron time: a scheduler's job is named `repeat:<scheduler>:<milliseconds>` (BullMQ job-scheduler.ts, getSchedulerNextJobId). */
function firedFor(job: BellJob): Date {
  const match = /:(\d{13})$/.exec(job.id ?? "");
  return new Date(match === null ? job.timestamp + job.delay : Number(match[1]));
}
