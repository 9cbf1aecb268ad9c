import { startSliceMonitor } from "@tidemark/engine";
import { openQueues, type QueueWorker, queueNames, type Ring } from "@tidemark/jobs";
import { type Logger, newId, systemClock } from "@tidemark/kit";
import { openMetadata } from "@tidemark/metadata";
import { startCloneKeeper } from "./clones/clone-keeper.ts";
import type { WorkerSettings } from "./config.ts";
import { type ExecuteDeps, executeRun } from "./execute-run.ts";
import { handlers } from "./handlers/index.ts";
import { startInspectionPoller } from "./inspect/inspection-poller.ts";
import { createKillHook } from "./kill-hook.ts";
import { announceWorker } from "./live-workers.ts";
import { patientMetadata } from "./patient-metadata.ts";
import { startReconciler } from "./reconciler.ts";
import { refreshRepositoryFindings, refreshServerFindings } from "./refresh-findings.ts";
import { startRunKeeper } from "./run-keeper.ts";
import { tickSchedule } from "./scheduler.ts";
import { prepareScratch } from "./scratch.ts";
import { workerVersion } from "./version.ts";
import { startPushWatch } from "./wal/push-watch.ts";
import { startWalSupervisor } from "./wal/wal-supervisor.ts";
import type { WorkerDeps } from "./worker-deps.ts";
import { loadWorkerKey } from "./worker-key.ts";

export interface StartedWorker {
  readonly workerId: string;
  /**
   * Takes nothing new, gives what runs `finishWithinMs` to finish, interrupts the rest, and takes everything apart in
   * the reverse order.
   */
  stop(finishWithinMs: number): Promise<void>;
}

/**
 * Builds a worker and starts it. Throws what keeps it from starting: settings, metadata or key. Where the queue is away it
 * waits for it (a finding says so): WAL is received and clones are kept meanwhile, and runs begin when it comes.
 */
export async function startWorker(settings: WorkerSettings, logger: Logger): Promise<StartedWorker> {
  const metadata = await openMetadata({ url: settings.databaseUrl.reveal(), logger });
  const key = await loadWorkerKey(settings, metadata);
  const place =
    settings.redisUrl === null
      ? { databaseUrl: settings.databaseUrl.reveal() }
      : { redisUrl: settings.redisUrl.reveal() };
  const queues = await openQueues(place, { logger, mayBeAway: true });
  await prepareScratch(settings);
  const workerId = newId("worker");
  const onStep = createKillHook(settings.killHook);
  const deps: WorkerDeps = { metadata, queues, settings, key, workerId, clock: systemClock, logger, onStep };
  const register = () => registerWorker(deps);
  await register();
  const forget = await announceWorker(settings.home, workerId);
  const keeper = startRunKeeper({ ...deps, onUnknownWorker: register });
  const monitor = startSliceMonitor(({ cpuMs }) =>
    logger.warn({ cpuMs: Math.round(cpuMs) }, "the event loop was blocked"),
  );
  const reconciler = startReconciler(deps);
  const poller = startInspectionPoller(deps);
  const wal = startWalSupervisor(deps);
  const pushWatch = startPushWatch(deps);
  const stopping = new AbortController();
  const executing: ExecuteDeps = {
    ...deps,
    metadata: patientMetadata(metadata, { clock: deps.clock, logger, signal: stopping.signal }),
    keeper,
    handlers,
    onFinished: async (ended) => {
      if (ended.serverId !== null) await refreshServerFindings(deps, [ended.serverId]);
      if (ended.kind === "repository-keys") await refreshRepositoryFindings(deps);
    },
  };
  const clones = startCloneKeeper(deps, (runId) => executeRun(executing, runId));
  const workers = listen(executing);
  logger.info({ workerId, pid: process.pid, queue: queues.backend }, "the worker is ready");
  const stop = async (finishWithinMs: number) => {
    logger.info({ runs: keeper.count }, "the worker stops; what runs may finish");
    await Promise.all([reconciler.stop(), poller.stop(), pushWatch.stop()]);
    // Receivers do not wait for runs: another worker may take their servers at once.
    await Promise.all([
      wal.stop(),
      drain([...workers, { close: () => clones.settled() }], finishWithinMs, () => {
        keeper.interruptAll();
        stopping.abort();
      }),
    ]);
    // After the runs: one of them may be making a clone.
    await clones.stop();
    keeper.stop();
    monitor.stop();
    await queues.close();
    await metadata.workers.stop(workerId);
    await forget();
    await metadata.close();
    logger.info("the worker has stopped");
  };
  let stopped: Promise<void> | null = null;
  return {
    workerId,
    stop(finishWithinMs) {
      stopped ??= stop(finishWithinMs);
      return stopped;
    },
  };
}

function registerWorker({ metadata, workerId, settings }: WorkerDeps): Promise<void> {
  return metadata.workers.register({
    id: workerId,
    hostname: settings.hostname,
    pid: process.pid,
    version: workerVersion,
    restoreRoots: settings.restoreRoots,
    walCapacity: settings.walReceivers,
  });
}

/** One listener per queue: a long backup never keeps a connection test waiting. */
function listen(deps: ExecuteDeps): readonly QueueWorker[] {
  const answer = async (ring: Ring): Promise<void> => {
    if (ring.name === "schedule-tick") await tickSchedule(deps, ring.scheduleId, ring.firedFor);
    else await executeRun(deps, ring.runId);
  };
  return queueNames.map((queue) => deps.queues.createWorker(queue, answer, { concurrency: deps.settings.concurrency }));
}

async function drain(
  workers: readonly Pick<QueueWorker, "close">[],
  finishWithinMs: number,
  interrupt: () => void,
): Promise<void> {
  const timer = setTimeout(interrupt, finishWithinMs);
  // The queue's patience is longer than ours: the handlers end by the keeper's signal.
  await Promise.all(workers.map((worker) => worker.close(finishWithinMs + cleanUpWithinMs)));
  clearTimeout(timer);
}

const cleanUpWithinMs = 2_000;
