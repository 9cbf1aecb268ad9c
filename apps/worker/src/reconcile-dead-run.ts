import { parseRunRequest } from "@tidemark/jobs";
import { AppError, describeError } from "@tidemark/kit";
import type { Run, RunOutcome } from "@tidemark/metadata";
import { drillAfter } from "./first-drill.ts";
import { backupResult, mirrorStored } from "./handlers/backup.ts";
import { copyAfter } from "./handlers/copy.ts";
import { withArea } from "./open-repository.ts";
import { mayHaveChangedServer } from "./server-acts/unseen-act.ts";
import { settleDeleting } from "./settle-deleting.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/**
 * Ends a run whose worker died. The repository is the truth about backups: one whose manifest is there was taken,
 * whatever died right after, and its run succeeded. Everything else ends as interrupted, and its leases are freed.
 */
export async function endDeadRun(deps: WorkerDeps, run: Run): Promise<void> {
  const outcome = await settleBackups(deps, run).catch((error: unknown) => {
    // A repository that is away must not keep the run, and all that waits for it, for as long: the rows of its backups
    // are brought up to date when the repository can be read again (mirror-catalogue.ts).
    if (!(error instanceof AppError) || error.code === "metadata-unreachable") throw error;
    deps.logger.warn({ err: error, runId: run.id }, "what a dead run left in the repository cannot be looked at now");
    return interrupted(run);
  });
  // Leases first: while the run still counts as running nobody else is admitted, so nothing can slip in between.
  await deps.metadata.leases.releaseOfRun(run.id);
  const { finished } = await deps.metadata.runs.finish(run.id, outcome);
  if (finished)
    deps.logger.warn({ runId: run.id, kind: run.kind, state: outcome.state }, "ended a run whose worker died");
}

/** The rows of the backups it was about, and how it ended. */
async function settleBackups(deps: WorkerDeps, run: Run): Promise<RunOutcome> {
  if (run.kind === "backup") return await settleBackup(deps, run);
  const server =
    run.serverId !== null && (run.kind === "retention" || run.kind === "delete-backup")
      ? await deps.metadata.servers.get(run.serverId)
      : null;
  if (server !== null) {
    const reason = `by ${run.kind} run ${run.id}, whose worker died meanwhile`;
    await withArea(deps, server, (area) => settleDeleting(deps, server.id, area, reason));
  }
  return interrupted(run);
}

async function settleBackup(deps: WorkerDeps, run: Run): Promise<RunOutcome> {
  const request = parseRunRequest("backup", run.request);
  const { serverId, backupId } = request;
  const server = await deps.metadata.servers.get(serverId);
  if (server === null) return interrupted(run);
  const stored = await withArea(deps, server, async (area) => {
    const found = (await area.listBackups()).find((backup) => backup.backupId === backupId);
    if (found !== undefined) await mirrorStored(deps, area, found);
    return found ?? null;
  });
  if (stored !== null) {
    await drillAfter(deps, run, request, server);
    await copyAfter(deps, server, backupId);
    const result = backupResult(stored, request);
    return {
      state: "succeeded",
      result,
      message: "the worker died after the backup was complete; it is in the repository",
    };
  }
  const outcome = interrupted(run);
  await deps.metadata.backups.update(
    backupId,
    { state: "interrupted", error: outcome.error, finishedAt: deps.clock.now() },
    ["running"],
  );
  return outcome;
}

function interrupted(run: Run): RunOutcome & { readonly state: "interrupted" } {
  const left = mayHaveChangedServer(run) ? unseen : (leftBehind[run.kind] ?? "nothing was changed");
  const error = new AppError("interrupted", {
    message: "the worker that was busy with it died",
    hint: `${left}; start it again`,
  });
  return { state: "interrupted", error: describeError(error) };
}

/** What is still safe, and what becomes of what was begun. */
const leftBehind: Partial<Record<Run["kind"], string>> = {
  backup: "no half backup is listed, and what was written is used by the next one or collected",
  restore: "the target folder is marked as unfinished and no server starts on it; the next restore there clears it",
  retention: "each backup is either deleted or whole",
  "delete-backup": "the backup is either deleted or whole",
  drill: "its temporary data are removed",
  "connection-test": "a server that was to be added or changed by it may be so already: look at the servers first",
  mark: "the hold or note may be in the repository already: look at the backup first",
  copy: "what was copied is whole and is used by the next copy",
  "attach-repository": "what was made of the repository stays, and is taken as it is",
};

const unseen = "whether the server did it is not known: look there before you do";
