import type { HeldLease, Run } from "@tidemark/metadata";
import { blockerOf, byAge } from "./exclusion.ts";
import { deadWorkers, forgetWorker } from "./live-workers.ts";
import { mirrorAll } from "./mirror-catalogue.ts";
import { refreshQueueFinding } from "./queue-finding.ts";
import { endDeadRun } from "./reconcile-dead-run.ts";
import { refreshServerFindings } from "./refresh-findings.ts";
import { checkRepositories } from "./repository-state.ts";
import { deadAfterMs } from "./run-keeper.ts";
import { alignSchedulers, runMissed } from "./scheduler.ts";
import { clearDeadDrills } from "./scratch.ts";
import { startVerifyTurns } from "./verify-turns.ts";
import { refreshDamagedWal } from "./wal/damaged-wal-finding.ts";
import { mirrorPushedWal } from "./wal/mirror-all-wal.ts";
import { refreshWalFindings } from "./wal/refresh-wal-findings.ts";
import type { WorkerDeps } from "./worker-deps.ts";

export interface Reconciler {
  /** Waits for the pass that is under way. */
  stop(): Promise<void>;
}

/**
 * Makes rows, queue and repository agree again, every few seconds, by one worker at a time (a lease). Each part may
 * fail without the others: a repository that is away must not keep lost bells from being rung again.
 */
export function startReconciler(deps: WorkerDeps): Reconciler {
  let stopped = false;
  let passes = 0;
  let current: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  const next = () => {
    if (stopped) return;
    current = pass(deps, passes++).catch((error: unknown) =>
      deps.logger.warn({ err: error }, "the reconciler could not do its pass"),
    );
    void current.then(() => {
      if (!stopped) timer = setTimeout(next, passEveryMs);
    });
  };
  next();
  return {
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await current;
    },
  };
}

async function pass(deps: WorkerDeps, count: number): Promise<void> {
  const lease = await acquireTurn(deps);
  if (lease === null) return;
  const parts: readonly (readonly [string, number, () => Promise<unknown>])[] = [
    ["the queue", 1, () => refreshQueueFinding(deps)],
    ["dead runs", 1, () => endDeadRuns(deps)],
    ["waiting runs", 1, () => ringReadyRuns(deps)],
    ["lost bells", 1, () => ringAgain(deps)],
    ["orphaned backups", 3, () => settleOrphanedBackups(deps)],
    ["schedulers", 5, () => alignSchedulers(deps)],
    ["missed schedules", 3, () => runMissed(deps)],
    ["verifications of policies", 10, () => startVerifyTurns(deps)],
    ["findings", 20, () => refreshServerFindings(deps)],
    ["findings of WAL", 3, () => refreshWalFindings(deps)],
    ["damaged WAL", 20, () => refreshDamagedWal(deps)],
    ["pushed WAL", 20, () => mirrorPushedWal(deps)],
    ["dead drills", 100, () => clearDeadDrills(deps)],
    ["repositories", 100, () => checkRepositories(deps)],
    ["catalogue", 400, () => mirrorAll(deps)],
    ["old answers", 1_200, () => deps.metadata.idempotency.prune()],
    ["file contents", 1_200, () => deps.metadata.runs.forgetFileContents(fileContentsKeptMs)],
  ];
  const renewal = setInterval(() => {
    // A renewal that fails lets another worker begin beside us; every part stands being done twice.
    deps.metadata.leases
      .renew(lease, leaseTtlMs)
      .catch((error: unknown) => deps.logger.debug({ err: error }, "reconciler lease"));
  }, leaseTtlMs / 4);
  try {
    for (const [name, every, act] of parts) {
      if (count % every !== 0) continue;
      try {
        await act();
      } catch (error) {
        deps.logger.warn({ err: error }, `the reconciler could not settle ${name}`);
      }
    }
  } finally {
    clearInterval(renewal);
    await deps.metadata.leases.release(lease);
  }
}

/** Null while another worker is at it. One of this home that is known to be dead keeps nobody waiting. */
async function acquireTurn(deps: WorkerDeps): Promise<HeldLease | null> {
  const request = { key: "reconciler", workerId: deps.workerId, runId: null, ttlMs: leaseTtlMs };
  const lease = await deps.metadata.leases.acquire(request);
  if (lease !== null) return lease;
  const holder = await deps.metadata.leases.holder(request.key);
  if (holder === null || !(await deadWorkers(deps.settings.home)).includes(holder.workerId)) return null;
  await deps.metadata.leases.release(holder);
  return await deps.metadata.leases.acquire(request);
}

async function endDeadRuns(deps: WorkerDeps): Promise<void> {
  const dead = await deadWorkers(deps.settings.home);
  const unfinished = dead.length === 0 ? [] : await deps.metadata.runs.unfinished();
  const ofDead = unfinished.filter(
    (run) => run.state === "running" && run.workerId !== null && dead.includes(run.workerId),
  );
  const stale = await deps.metadata.runs.findStale({ deadAfterMs });
  const all = new Map([...ofDead, ...stale].map((run) => [run.id, run]));
  let kept = 0;
  for (const run of all.values()) {
    try {
      await endDeadRun(deps, run);
    } catch (error) {
      kept++;
      deps.logger.warn({ err: error, runId: run.id }, "a run whose worker died could not be ended; it is tried again");
    }
  }
  if (kept > 0) return;
  for (const workerId of dead) {
    await deps.metadata.workers.stop(workerId);
    await forgetWorker(deps.settings.home, workerId);
  }
}

/** Runs that waited for one that is over by now. */
async function ringReadyRuns(deps: WorkerDeps): Promise<void> {
  const unfinished = await deps.metadata.runs.unfinished();
  const waiting = unfinished.filter((run) => run.state === "waiting").sort(byAge);
  for (const run of waiting) {
    const ofServer = unfinished.filter((other) => other.serverId === run.serverId);
    if (blockerOf(run, ofServer) === null) await ring(deps, [run]);
  }
}

/** Queued runs whose bell may be lost (the queue was emptied, the ring never left the api). */
async function ringAgain(deps: WorkerDeps): Promise<void> {
  await ring(deps, await deps.metadata.runs.findUnrung({ olderThanMs: unrungAfterMs, limit: 100 }));
}

async function ring(deps: WorkerDeps, runs: readonly Run[]): Promise<void> {
  for (const run of runs) await deps.queues.ring(run.id, run.kind);
  if (runs.length > 0) await deps.metadata.runs.markRung(runs.map((run) => run.id));
}

/** Backups marked running whose run is over: their worker died between the run's end and the row's. */
async function settleOrphanedBackups(deps: WorkerDeps): Promise<void> {
  const orphaned = await deps.metadata.backups.findOrphaned();
  if (orphaned.length === 0) return;
  // The repository first: a manifest that exists makes the row restorable, whatever its run said.
  for (const backup of orphaned) {
    const error = { code: "interrupted" as const, message: "its run ended without a backup", hint: null };
    await deps.metadata.backups.update(backup.id, { state: "interrupted", error, finishedAt: deps.clock.now() }, [
      "running",
    ]);
  }
  await mirrorAll(deps);
}

const passEveryMs = 3_000;
/** Renewed while a pass lasts and released at its end; only a worker of another machine that dies within one keeps others waiting this long. */
const leaseTtlMs = 12_000;
const unrungAfterMs = 15_000;
/** Whoever asked for a server's file has fetched it by then. */
const fileContentsKeptMs = 3_600_000;
