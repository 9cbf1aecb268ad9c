import { AppError } from "@tidemark/kit";
import { isFinalRunState, type Run } from "@tidemark/metadata";
import { estimateRemaining } from "@tidemark/policy";
import { z } from "zod";
import type { Services } from "../services.ts";
import { EntityId } from "./inputs.ts";
import { parseInput } from "./parse-input.ts";
import { type Caller, perform } from "./perform.ts";
import { requireRun } from "./requirements.ts";

export const CancelRunInput = z.object({ id: EntityId });

/** Asks a run to stop. One that waits ends at once; one that runs ends at its next safe place. */
export function cancelRun(services: Services, caller: Caller, input: unknown) {
  const { id } = input as { id?: unknown };
  const target = { kind: "run", id: typeof id === "string" ? id : null };
  const act = { name: "cancelRun", input: input as Record<string, unknown>, target };
  return perform<{ runId: string }>(services, caller, act, async (scope) => {
    const run = await requireRun(services, parseInput(CancelRunInput, input).id);
    if (isFinalRunState(run.state)) {
      throw new AppError("run-already-final", { message: `run ${run.id} has ended already: ${run.state}` });
    }
    const cancelled = await services.metadata.runs.requestCancel(run.id, scope.principal.actor, cancelEffect(run));
    return { runId: cancelled.id };
  });
}

/** What cancelling does, said before and kept with the run. */
export function cancelEffect(run: Pick<Run, "kind" | "state">): string {
  if (run.state === "queued" || run.state === "waiting")
    return "it has not begun, so nothing was done and nothing is left";
  switch (run.kind) {
    case "backup":
      return "the copy stops and no backup comes of it; what was written already is collected or used by the next one";
    case "restore":
      return "writing stops; the target directory is incomplete and must be emptied before the next try";
    case "retention":
    case "delete-backup":
      return "deleting stops after the backup at hand; what was deleted stays deleted";
    case "drill":
      return "the scratch server is stopped and thrown away; the backup stays as it was";
    case "clone":
      return "the clone's server is stopped and its files are thrown away";
    case "clone-act":
      return "the clone stays as it was, unless it has moved, been promoted or ended already";
    case "copy":
      return "copying stops after the piece at hand; what was copied is whole and is used by the next copy";
    case "verify":
      return "reading stops; nothing is known anew about the backup";
    case "mark":
    case "repository-keys":
    case "attach-repository":
    case "collect":
    case "rebuild-catalog":
      return "it stops after the step at hand; what was written stays";
    case "connection-test":
    case "restore-plan":
    case "recovery-kit":
    case "find-moment":
    case "inspect":
      return "it stops; nothing was changed by it";
    case "server-act":
      return "an act that has reached the server already is not undone; one that has not is not begun";
  }
}

/** How long the rest may take: as the worker says, else from this run's own rate. */
export function remainingOf(run: Run, now: Date): { readonly lowMs: number | null; readonly highMs: number | null } {
  const { progress, startedAt } = run;
  if (run.state !== "running") return { lowMs: null, highMs: null };
  if (progress.etaLowMs !== null && progress.etaHighMs !== null) {
    return { lowMs: progress.etaLowMs, highMs: progress.etaHighMs };
  }
  if (progress.done === null || progress.total === null || startedAt === null) return { lowMs: null, highMs: null };
  const range = estimateRemaining({
    history: [],
    doneBytes: Number(progress.done),
    totalBytes: Number(progress.total),
    elapsedMs: Math.max(0, now.getTime() - startedAt.getTime()),
  });
  return { lowMs: range?.lowMs ?? null, highMs: range?.highMs ?? null };
}
