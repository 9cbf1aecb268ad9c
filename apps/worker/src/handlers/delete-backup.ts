import { executeDeletion, planDeletion } from "@tidemark/engine";
import type { RetentionResult } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import { collectIn } from "./collect.ts";

/**
 * Deletes one backup a person chose: manifest first, packs after the grace period. The repository decides anew whether
 * it may go (holds, the newest usable one); deleting what is gone already succeeds.
 */
export const deleteBackupHandler: RunHandler<"delete-backup"> = async ({ run, request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const { backups } = deps.metadata;
  const before = await backups.get(request.backupId);
  try {
    const report = await withArea(deps, server, async (area) => {
      const expiry = { area, clock: deps.clock };
      const gone = !(await area.listBackups()).some((backup) => backup.backupId === request.backupId);
      if (!gone) {
        const plan = await planDeletion(expiry, request.backupId);
        if (plan.code !== null) throw new AppError(plan.code, { message: plan.sentence, hint: "nothing was deleted" });
        await backups.update(request.backupId, { state: "deleting" });
        await executeDeletion(expiry, plan, control);
      }
      await backups.update(request.backupId, {
        state: "deleted",
        deletedAt: deps.clock.now(),
        deletedReason: `deleted by ${run.requestedBy}`,
      });
      const kept = (await area.listBackups()).length;
      return { kept, ...(await collectIn(deps, server, area, control)) };
    });
    const result: RetentionResult = {
      kept: report.kept,
      deleted: [request.backupId],
      removedPacks: report.removedPacks,
      freedBytes: String(report.freedBytes),
    };
    return { kind: "done", result };
  } catch (error) {
    // Refused, or failed before the manifest went: it is what it was. The reconciler looks again if we are wrong.
    if (before !== null) await backups.update(request.backupId, { state: before.state }, ["deleting"]);
    throw error;
  }
};
