import { type ExpiryPlan, type ExpiryReport, executeExpiry, planExpiry } from "@tidemark/engine";
import type { RetentionResult } from "@tidemark/jobs";
import { AppError, joinCleanup } from "@tidemark/kit";
import type { Metadata, PolicyRow } from "@tidemark/metadata";
import { retentionPlanHash } from "@tidemark/policy";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import { retainCopies } from "../retain-copies.ts";
import type { RunHandler } from "../run-context.ts";
import { retainWal } from "../wal/retain-wal.ts";
import { collectIn } from "./collect.ts";

/**
 * Applies the server's policy to what the repository holds. Asked by a person, it must be the plan that was shown; a
 * schedule plans and executes by itself. Then the WAL goes that no backup needs any more, and the packs.
 */
export const retentionHandler: RunHandler<"retention"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const policy = await policyOf(deps.metadata, server.policyId);
  const report = await withArea(deps, server, async (area) => {
    control.emit({ kind: "phase", phase: "planning", message: "looking which backups the policy keeps" });
    const expiry = { area, clock: deps.clock };
    const plan = await planExpiry(expiry, policy);
    if (request.planHash !== null && retentionPlanHash(server.id, policy, plan.retention) !== request.planHash) {
      throw new AppError("plan-stale", {
        message: "the backups or the policy are not what the preview showed",
        hint: "nothing was deleted; look at a new preview",
      });
    }
    await showReasons(deps.metadata, plan);
    const planned = plan.retention.deleted.map((one) => one.backupId);
    for (const backupId of planned)
      await deps.metadata.backups.update(backupId, { state: "deleting" }, ["restorable", "stored"]);
    const settleRows = async () => {
      const present = (await area.listBackups()).map((one) => one.backupId);
      await settle(deps.metadata, { plan, policy, present: new Set(present), now: deps.clock.now() });
    };
    let expired: ExpiryReport;
    try {
      expired = await executeExpiry(expiry, plan, control);
    } catch (error) {
      throw await joinCleanup(error, settleRows);
    }
    // Before the collection: it takes its time, and what was deleted is deleted.
    await settleRows();
    const wal = await retainWal(deps, { server, repositoryId: server.repositoryId, area }, policy, control);
    return { expired, wal, collected: await collectIn(deps, server, area, control) };
  });
  await retainCopies(deps, server, policy, control);
  const result: RetentionResult = {
    kept: report.expired.keptCount,
    deleted: [...report.expired.deletedIds, ...report.expired.alreadyGoneIds],
    removedPacks: report.collected.removedPacks,
    freedBytes: String(report.collected.freedBytes + report.wal.freedBytes),
    removedWalSegments: report.wal.removedSegments.length,
  };
  return { kind: "done", result };
};

async function policyOf(metadata: Metadata, policyId: string): Promise<PolicyRow> {
  const policy = await metadata.policies.get(policyId);
  if (policy === null) throw new AppError("not-found", { message: `there is no policy ${policyId}` });
  return policy;
}

/** Each backup's row says why it stays. */
async function showReasons(metadata: Metadata, plan: ExpiryPlan): Promise<void> {
  const known = new Set(
    (await metadata.backups.getMany(plan.retention.kept.map((one) => one.backupId))).map((row) => row.id),
  );
  for (const kept of plan.retention.kept) {
    if (!known.has(kept.backupId)) continue;
    await metadata.backups.update(kept.backupId, { retentionReasons: kept.reasons.map((reason) => reason.sentence) });
  }
}

interface Settlement {
  readonly plan: ExpiryPlan;
  readonly policy: PolicyRow;
  readonly present: ReadonlySet<string>;
  readonly now: Date;
}

/** Rows follow what the repository holds now, however far the deletion came; they say for ever by which rules. */
async function settle(metadata: Metadata, { plan, policy, present, now }: Settlement): Promise<void> {
  for (const { backupId, reasons } of plan.retention.deleted) {
    if (present.has(backupId)) await metadata.backups.update(backupId, { state: "restorable" }, ["deleting"]);
    else {
      const why = reasons.map((reason) => reason.sentence).join("; ");
      const deletedReason = `${why} (policy "${policy.name}", version ${policy.version})`;
      await metadata.backups.update(backupId, { state: "deleted", deletedAt: now, deletedReason }, [
        "deleting",
        "restorable",
        "stored",
      ]);
    }
  }
}
