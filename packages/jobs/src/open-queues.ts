import { AppError, joinCleanup, systemClock } from "@tidemark/kit";
import { awaitPlace, workerWhenThere } from "./await-place.ts";
import type { QueueName } from "./job.ts";
import { type BellQueue, openBackend, queueUnreachable } from "./queue-backend.ts";
import { startWorker } from "./queue-worker.ts";
import type { QueueOptions, QueuePlace, QueueSchedule, Queues, QueueWorker } from "./queues.ts";
import { runJob, scheduleTick } from "./run-jobs.ts";
import { settleWithin } from "./settle-within.ts";

/**
 * Opens the queues in the metadata database or in Redis; both behave the same. Tables are made when needed (under
 * BullMQ's own lock). Throws `queue-unreachable` when the place does not answer, unless it may be away.
 */
export async function openQueues(place: QueuePlace, options: QueueOptions): Promise<Queues> {
  const { logger } = options;
  const backend = openBackend(place, options);
  const queues = new Map<QueueName, BellQueue>();
  const workers: QueueWorker[] = [];

  let wasThere = false;
  const ask = async () => {
    await (wasThere ? backend.ping() : backend.ready());
    wasThere = true;
  };
  const queue = async (name: QueueName) => {
    const known = queues.get(name);
    if (known !== undefined) return known;
    // BullMQ, which has no answer of the place yet, would wait for it however long that is away.
    await ask();
    const open = queues.get(name) ?? backend.queue(name);
    if (!queues.has(name))
      open.on("error", (error) => logger.warn({ err: error, queue: name }, "the queue reports an error"));
    queues.set(name, open);
    return open;
  };
  const reachable = async <T>(act: () => Promise<T>): Promise<T> => {
    try {
      return await act();
    } catch (error) {
      throw queueUnreachable(error);
    }
  };

  const closing = new AbortController();
  let there: Promise<void> = Promise.resolve();
  try {
    await reachable(ask);
  } catch (error) {
    if (options.mayBeAway !== true) throw await joinCleanup(error, () => backend.close());
    there = awaitPlace({ ask: () => reachable(ask), first: error, logger, signal: closing.signal });
  }
  return {
    backend: backend.kind,
    ring: (runId, kind, wanted) =>
      reachable(async () => {
        const job = runJob(kind);
        const payload = job.payload.parse({ runId });
        const delay = wanted?.delayMs ?? 0;
        const open = await queue(job.queue);
        await addOrPromote(open, job.name, payload, { ...jobOptions(job), jobId: job.jobId(payload), delay });
      }),
    upsertSchedule: (scheduleId, cron, zone) =>
      reachable(async () => {
        const data = scheduleTick.payload.parse({ scheduleId });
        const open = await queue(scheduleTick.queue);
        const template = { name: scheduleTick.name, data, opts: jobOptions(scheduleTick) };
        await open.upsertJobScheduler(scheduleId, { pattern: cron, tz: zone }, template).catch((cause: unknown) => {
          throw isCronError(cause) ? cronInvalid(cron, zone, cause) : cause;
        });
      }),
    removeSchedule: (scheduleId) =>
      reachable(async () => (await queue(scheduleTick.queue)).removeJobScheduler(scheduleId)),
    listSchedules: () => reachable(async () => await listSchedules(await queue(scheduleTick.queue))),
    createWorker: (name, handler, { concurrency }) => {
      const now = () => systemClock.now();
      const start = () => startWorker({ backend, logger, queue: name, handler, concurrency, now });
      const worker = workerWhenThere(name, there, closing.signal, start);
      workers.push(worker);
      return worker;
    },
    ping: () => reachable(() => backend.ping()),
    close: async () => {
      closing.abort();
      await Promise.all(workers.map((worker) => worker.close()));
      const warn = (error: unknown) => logger.warn({ err: error }, "the queue closed with an error");
      await settleWithin(3_000, Promise.all([...queues.values()].map((open) => open.close())), warn);
      await settleWithin(3_000, backend.close(), warn);
      await settleWithin(3_000, there, warn);
    },
  };
}

/** Gone from the queue as soon as it is over: a finished bell that stays would swallow the next one of its run. */
function jobOptions(job: { readonly attempts: number; readonly backoffMs: number }) {
  return {
    attempts: job.attempts,
    backoff: { type: "exponential", delay: job.backoffMs },
    removeOnComplete: true,
    removeOnFail: true,
  };
}

type AddOptions = NonNullable<Parameters<BellQueue["add"]>[2]>;

/** `add` with an id that hangs already changes nothing; one that hangs for later is brought forward. */
async function addOrPromote(queue: BellQueue, name: string, payload: object, options: AddOptions): Promise<void> {
  const job = await queue.add(name, payload, options);
  if (options.delay !== 0 || !(await job.isDelayed())) return;
  try {
    await job.promote();
  } catch (error) {
    // It rang by itself in between, which is as good.
    if (await job.isDelayed()) throw error;
  }
}

/** Page after page: BullMQ gives what the range says and a deployment may have hundreds of servers. */
async function listSchedules(queue: BellQueue): Promise<readonly QueueSchedule[]> {
  const found: QueueSchedule[] = [];
  const pageSize = 500;
  for (let start = 0; ; start += pageSize) {
    const page = await queue.getJobSchedulers(start, start + pageSize - 1, true);
    for (const { key, pattern, tz, next } of page) {
      found.push({
        scheduleId: key,
        cron: pattern ?? "",
        zone: tz ?? "UTC",
        nextAt: next === undefined ? null : new Date(next),
      });
    }
    if (page.length < pageSize) return found;
  }
}

/** cron-parser's errors carry no code; they are thrown before anything is sent. */
function isCronError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error instanceof RangeError ||
    /cron|constraint error|explicit|invalid (characters|expression|time zone)|CronDate/i.test(error.message)
  );
}

function cronInvalid(cron: string, zone: string, cause: unknown): AppError {
  return new AppError("cron-invalid", {
    message: `"${cron}" in the zone ${zone} is not a schedule`,
    hint: "five fields: minute hour day-of-month month day-of-week; the zone is an IANA name such as Europe/Berlin",
    cause,
  });
}
