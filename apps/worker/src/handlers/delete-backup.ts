import { executeDeletion, planDeletion } from "@tidemark/engine";
import type { RetentionResult } from "@tidemark/jobs";
import { AppError, joinCleanup } from "@tidemark/kit";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import { settleDeleting } from "../settle-deleting.ts";
import { collectIn } from "./collect.ts";

/**
 * Deletes one backup a person chose: manifest first, packs after the grace period. The repository decides anew whether
 * it may go (holds, the newest usable one); deleting what is gone already succeeds.
 */
export const deleteBackupHandler: RunHandler<"delete-backup"> = async ({ run, request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const { backups } = deps.metadata;
  const deletedReason = `deleted by ${run.requestedBy}`;
  const report = await withArea(deps, server, async (area) => {
    try {
      const expiry = { area, clock: deps.clock };
      const gone = !(await area.listBackups()).some((backup) => backup.backupId === request.backupId);
      if (!gone) {
        const plan = await planDeletion(expiry, request.backupId);
        if (plan.code !== null) throw new AppError(plan.code, { message: plan.sentence, hint: "nothing was deleted" });
        await backups.update(request.backupId, { state: "deleting" });
        await executeDeletion(expiry, plan, control);
      }
      await backups.update(request.backupId, { state: "deleted", deletedAt: deps.clock.now(), deletedReason });
      const kept = (await area.listBackups()).length;
      return { kept, ...(await collectIn(deps, server, area, control)) };
    } catch (error) {
      // Refused, or failed on the way: the row says what the repository holds, before or after the manifest went.
      throw await joinCleanup(error, () => settleDeleting(deps, server.id, area, deletedReason));
    }
  });
  const result: RetentionResult = {
    kept: report.kept,
    deleted: [request.backupId],
    removedPacks: report.removedPacks,
    removedWalSegments: 0,
    freedBytes: String(report.freedBytes),
  };
  return { kind: "done", result };
};
