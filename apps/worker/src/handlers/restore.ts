import { executeRestore, planRestore } from "@tidemark/engine";
import { parseRunRequest, RestorePlanResult, type RestoreResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { requireServer } from "../open-server.ts";
import { withReadableArea } from "../readable-area.ts";
import type { RunHandler } from "../run-context.ts";
import { restoreRequest } from "./restore-plan.ts";

/** Executes the plan that was shown: plans again, and refuses (`plan-stale`) when that gives anything else. */
export const restoreHandler: RunHandler<"restore"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const planned = await deps.metadata.runs.get(request.planRunId);
  if (planned === null || planned.kind !== "restore-plan" || planned.serverId !== server.id) {
    throw new AppError("not-found", { message: `there is no restore plan ${request.planRunId} for ${server.name}` });
  }
  const shown = RestorePlanResult.parse(planned.result);
  // Without a backup named, the plan took the newest of its day; the restore takes that very one.
  const wanted = { ...parseRunRequest("restore-plan", planned.request), backupId: shown.backupId };
  const report = await withReadableArea(deps, server, control, async (area) => {
    const restore = { area, clock: deps.clock };
    const plan = await planRestore(restore, restoreRequest(wanted, deps.settings), control.signal);
    // A folder that is occupied by now has its own, plainer error than "stale".
    const problem = plan.checks.find((check) => check.state === "failed" && check.code !== null);
    if (problem?.code != null) {
      throw new AppError(problem.code, { message: problem.sentence, hint: "nothing was written" });
    }
    if (plan.fingerprint !== request.planHash) {
      throw new AppError("plan-stale", {
        message: "the backup or its places are not what the plan showed",
        hint: "nothing was written; plan it again",
      });
    }
    return await executeRestore(restore, plan, control);
  });
  const result: RestoreResult = {
    targetDirectory: report.targetDirectory,
    fileCount: report.fileCount,
    writtenBytes: String(report.writtenBytes),
    nextSteps: [...report.nextSteps],
    findings: [...report.findings],
  };
  return { kind: "done", result };
};
