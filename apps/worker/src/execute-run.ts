import type { ActControl } from "@tidemark/engine";
import { parseRunRequest, type RunKind } from "@tidemark/jobs";
import { AppError, describeError, type ErrorDescription } from "@tidemark/kit";
import { isFinalRunState, type Run, type RunOutcome } from "@tidemark/metadata";
import type { PastRun } from "@tidemark/policy";
import { type Admission, admitRun } from "./admit-run.ts";
import { isLeftToHolder } from "./clones/clone-holder.ts";
import type { RunAnswer, RunHandler } from "./run-context.ts";
import type { RunKeeper } from "./run-keeper.ts";
import { createRunLog } from "./run-log.ts";
import { mayHaveChangedServer } from "./server-acts/unseen-act.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/** Every kind has its handler; the compiler refuses a kind without one. */
export type RunHandlers = { readonly [K in RunKind]: RunHandler<K> };

export interface ExecuteDeps extends WorkerDeps {
  readonly keeper: RunKeeper;
  readonly handlers: RunHandlers;
  /** Called after a run ended, for findings and the like; its failure changes nothing about the run. */
  readonly onFinished: (run: Run) => Promise<void>;
}

/**
 * Answers the bell for a run: load → refuse if final → admit (or wait) → act → record the outcome exactly once. Being
 * rung twice is the same as once. Throws only when the metadata cannot be reached, so that the queue rings again.
 */
export async function executeRun(deps: ExecuteDeps, runId: string): Promise<void> {
  const run = await deps.metadata.runs.get(runId);
  if (run === null) {
    deps.logger.warn({ runId }, "rung for a run that does not exist");
    return;
  }
  if (isFinalRunState(run.state) || run.state === "running" || (await isLeftToHolder(deps, run))) return;
  const admission = await admitRun(deps, run);
  if (admission.kind === "admitted") await actAndRecord(deps, admission);
}

async function actAndRecord(deps: ExecuteDeps, admission: Admission & { kind: "admitted" }): Promise<void> {
  const { run, lease } = admission;
  const kept = deps.keeper.keep(run.id, lease);
  deps.logger.info({ runId: run.id, kind: run.kind, serverId: run.serverId }, "run begins");
  try {
    const outcome = await act(deps, run, kept.signal);
    if (outcome !== null) await record(deps, run, outcome);
  } finally {
    kept.end();
    if (lease !== null) await deps.metadata.leases.release(lease);
    await ringWaiting(deps, run);
  }
}

/** Null when the run is no longer ours: whoever took it has recorded its end. */
async function act(deps: ExecuteDeps, run: Run, signal: AbortSignal): Promise<RunOutcome | null> {
  const log = createRunLog(
    { runs: deps.metadata.runs, clock: deps.clock, logger: deps.logger, workerId: deps.workerId },
    run.id,
    await historyOf(deps, run),
  );
  const control: ActControl = { signal, emit: log.emit, onStep: (step) => deps.onStep(step) };
  try {
    const answer = await handle(deps, run, control);
    return answer.kind === "done"
      ? {
          state: "succeeded",
          result: answer.result,
          ...(answer.message === undefined ? {} : { message: answer.message }),
          ...(answer.serverId === undefined ? {} : { serverId: answer.serverId }),
        }
      : { state: "failed", error: answer.error, result: answer.result };
  } catch (error) {
    return outcomeOf(deps, run, signal, error);
  } finally {
    await log.close();
  }
}

async function handle(deps: ExecuteDeps, run: Run, control: ActControl): Promise<RunAnswer> {
  // Correlated unions: the table is total and typed per kind, which the compiler cannot follow through an index.
  const handler = deps.handlers[run.kind] as RunHandler<RunKind>;
  return await handler({ run, request: parseRunRequest(run.kind, run.request), control, deps });
}

function outcomeOf(deps: ExecuteDeps, run: Run, signal: AbortSignal, error: unknown): RunOutcome | null {
  const reason: unknown = signal.aborted ? signal.reason : null;
  const code = reason instanceof AppError ? reason.code : null;
  const description = describeError(error);
  if (code === "lease-lost") {
    deps.logger.warn({ runId: run.id, err: error }, "the run was taken from this worker");
    return null;
  }
  if (code === "cancelled") {
    return { state: "cancelled", message: `cancelled as asked${leftByCancel(run)}` };
  }
  if (code === "interrupted") return { state: "interrupted", error: stoppedWith(run, describeError(reason)) };
  if (description.code === "internal")
    deps.logger.error({ runId: run.id, err: error }, `run ${run.id} (${run.kind}) failed by a bug of ours`);
  else deps.logger.warn({ runId: run.id, err: error }, "run failed");
  return { state: "failed", error: description };
}

/** What somebody who cancelled should know. */
function leftByCancel(run: Run): string {
  if (run.kind === "backup") return "; no backup comes of it, what was stored is collected later";
  return mayHaveChangedServer(run) ? "; whether the server had done it already is not known" : "";
}

/** What the worker that stops says of its acts in general is not so of one at a server: nothing there is taken back. */
function stoppedWith(run: Run, error: ErrorDescription): ErrorDescription {
  if (!mayHaveChangedServer(run)) return error;
  return {
    ...error,
    hint: "whether the server had done it already is not known: look there before you start it again",
  };
}

/** The act is over, so its end must get into the row: tried again while the database is away. */
async function record(deps: ExecuteDeps, run: Run, outcome: RunOutcome): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { finished, run: ended } = await deps.metadata.runs.finish(run.id, outcome);
      deps.logger.info({ runId: run.id, state: ended.state, finished }, "run ended");
      if (finished) await afterwards(deps, ended);
      return;
    } catch (error) {
      if (attempt === recordAttempts) throw error;
      deps.logger.warn({ runId: run.id, err: error }, "the run's end could not be recorded; it will be tried again");
      await new Promise((resolve) => setTimeout(resolve, recordRetryMs));
    }
  }
}

async function afterwards(deps: ExecuteDeps, ended: Run): Promise<void> {
  try {
    await deps.onFinished(ended);
  } catch (error) {
    deps.logger.warn({ runId: ended.id, err: error }, "what follows the run's end failed");
  }
}

/** Those that waited for this run get their bell at once, oldest first; the reconciler would find them later anyway. */
async function ringWaiting(deps: ExecuteDeps, run: Run): Promise<void> {
  if (run.serverId === null) return;
  try {
    const unfinished = await deps.metadata.runs.unfinished([run.serverId]);
    for (const waiting of unfinished.filter((one) => one.state === "waiting").reverse()) {
      await deps.queues.ring(waiting.id, waiting.kind);
    }
  } catch (error) {
    deps.logger.warn({ runId: run.id, err: error }, "the runs that waited could not be rung; the reconciler will");
  }
}

/** Rates of the last ten runs of the kind, for the estimate of the remaining time. */
async function historyOf(deps: ExecuteDeps, run: Run): Promise<readonly PastRun[]> {
  if (run.serverId === null) return [];
  const past = await deps.metadata.runs.latestSucceeded(run.serverId, run.kind, 10);
  return past.flatMap((one): PastRun[] => {
    if (one.progress.done === null || one.startedAt === null || one.finishedAt === null) return [];
    return [{ bytes: Number(one.progress.done), durationMs: one.finishedAt.getTime() - one.startedAt.getTime() }];
  });
}

const recordAttempts = 60;
const recordRetryMs = 1_000;
