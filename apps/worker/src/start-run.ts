import type { CreatedRun, NewRun, Run } from "@tidemark/metadata";
import type { WorkerDeps } from "./worker-deps.ts";

type StartDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger">;

/** Makes a run that follows from another act of ours, and rings for it unless it was there before. */
export async function startRun(deps: StartDeps, wanted: NewRun): Promise<CreatedRun> {
  const created = await deps.metadata.runs.create(wanted);
  if (created.outcome === "created") await ringFor(deps, created.run);
  return created;
}

/** The row is the truth: a bell that cannot be rung now is rung by the reconciler, and fails nothing. */
export async function ringFor(deps: StartDeps, run: Run): Promise<void> {
  try {
    await deps.queues.ring(run.id, run.kind);
    await deps.metadata.runs.markRung([run.id]);
  } catch (error) {
    deps.logger.warn({ err: error, runId: run.id }, "the queue was not told of a run; the reconciler will tell it");
  }
}
