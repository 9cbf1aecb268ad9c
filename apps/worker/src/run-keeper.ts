import { AppError, type Clock, type Logger } from "@tidemark/kit";
import type { HeldLease, Metadata } from "@tidemark/metadata";

/** A run this worker is busy with. */
export interface KeptRun {
  /** Aborted with `cancelled` (somebody asked), `interrupted` (this worker stops) or `lease-lost` (it was taken from us). */
  readonly signal: AbortSignal;
  end(): void;
}

export interface RunKeeper {
  keep(runId: string, lease: HeldLease | null): KeptRun;
  /** Aborts every run with `interrupted`. */
  interruptAll(): void;
  readonly count: number;
  stop(): void;
}

interface KeeperDeps {
  readonly metadata: Pick<Metadata, "runs" | "leases" | "workers">;
  readonly workerId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called when the worker's own row is gone (the database was restored or cleared). */
  readonly onUnknownWorker: () => Promise<void>;
}

/** How often this worker says that it lives and asks what is wanted of its runs. */
export const heartbeatEveryMs = 3_000;
/** A run without a heartbeat for this long is dead: ten missed beats, so that a slow database kills nothing. */
export const deadAfterMs = 30_000;
/** A lease lives as long as its run may go without heartbeat (`deadAfterMs`). */
export const leaseTtlMs = 30_000;

/**
 * One timer, independent of the acts, that renews heartbeats and leases of all runs and hears about cancellations. When
 * the database cannot be reached for `deadAfterMs`, somebody else may have ended our runs: they are aborted then,
 * because two workers must never write for one run.
 */
export function startRunKeeper(deps: KeeperDeps): RunKeeper {
  const kept = new Map<
    string,
    { readonly controller: AbortController; lease: HeldLease | null; readonly since: number }
  >();
  let lastHeardMs = deps.clock.monotonicMs();
  let beating = false;

  const abort = (runId: string, error: AppError) => kept.get(runId)?.controller.abort(error);

  const beat = async () => {
    const askedMs = deps.clock.monotonicMs();
    const runIds = [...kept.keys()];
    if (!(await deps.metadata.workers.heartbeat(deps.workerId))) await deps.onUnknownWorker();
    const answers = new Map(
      (await deps.metadata.runs.heartbeat(deps.workerId, runIds)).map((answer) => [answer.runId, answer]),
    );
    for (const runId of runIds) {
      const answer = answers.get(runId);
      // One that began after the question was sent is not in the answer.
      if (answer === undefined) {
        if ((kept.get(runId)?.since ?? askedMs) < askedMs) abort(runId, taken(runId));
      } else if (answer.cancelRequested) abort(runId, cancelled());
    }
    for (const [runId, run] of kept) {
      if (run.lease !== null) run.lease = await renew(runId, run.lease);
    }
    lastHeardMs = askedMs;
  };

  const renew = async (runId: string, lease: HeldLease): Promise<HeldLease | null> => {
    try {
      return await deps.metadata.leases.renew(lease, leaseTtlMs);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "lease-lost") throw error;
      // Released by its own end between our look and the renewal: nothing was lost.
      if (kept.has(runId)) abort(runId, error);
      return null;
    }
  };

  const timer = setInterval(() => {
    if (kept.size > 0 && deps.clock.monotonicMs() - lastHeardMs > deadAfterMs) {
      for (const runId of kept.keys()) abort(runId, unheard(runId));
    }
    if (beating) return;
    beating = true;
    beat()
      .catch((error: unknown) => deps.logger.warn({ err: error }, "the heartbeat could not be written"))
      .finally(() => {
        beating = false;
      });
  }, heartbeatEveryMs);

  return {
    keep(runId, lease) {
      const controller = new AbortController();
      if (kept.size === 0) lastHeardMs = deps.clock.monotonicMs();
      kept.set(runId, { controller, lease, since: deps.clock.monotonicMs() });
      return { signal: controller.signal, end: () => void kept.delete(runId) };
    },
    interruptAll() {
      for (const { controller } of kept.values()) controller.abort(interrupted());
    },
    get count() {
      return kept.size;
    },
    stop: () => clearInterval(timer),
  };
}

function cancelled(): AppError {
  return new AppError("cancelled", { message: "it was cancelled", hint: "what it had begun was cleaned up" });
}

function interrupted(): AppError {
  return new AppError("interrupted", {
    message: "the worker was stopped while it ran",
    hint: "what it had begun was cleaned up; start it again",
  });
}

function taken(runId: string): AppError {
  return new AppError("lease-lost", {
    message: `${runId} was ended by somebody else while this worker was busy with it`,
  });
}

function unheard(runId: string): AppError {
  return new AppError("lease-lost", {
    message: `the metadata database could not be reached for ${deadAfterMs / 1000} s, so ${runId} counts as dead`,
    hint: "another worker may have ended it; what it had begun here was cleaned up",
  });
}
