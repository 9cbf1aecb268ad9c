import { planRestore, type RestorePlan, type RestoreRequest } from "@tidemark/engine";
import type { RestorePlanResult, RunRequest } from "@tidemark/jobs";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import type { WorkerSettings } from "../config.ts";
import { requireServer } from "../open-server.ts";
import { withReadableArea } from "../readable-area.ts";
import { recoveryRequestOf } from "../recovery-request.ts";
import type { RunHandler } from "../run-context.ts";

/** Looks what a restore would do and what speaks against it; writes nothing. A plan that is not ok is still a result. */
export const restorePlanHandler: RunHandler<"restore-plan"> = async ({ request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const plan = await withReadableArea(deps, server, control, (area) =>
    planRestore({ area, clock: deps.clock }, restoreRequest(request, deps.settings), control.signal),
  );
  return { kind: "done", result: resultOf(plan) };
};

/** What the engine is asked for a request of ours; the same when the plan is made and when it is executed. */
export function restoreRequest(request: RunRequest<"restore-plan">, settings: WorkerSettings): RestoreRequest {
  return {
    backupId: request.backupId,
    targetDirectory: request.targetDirectory,
    tablespaces: request.tablespaces,
    owner: request.owner,
    keepSignalFiles: false,
    allowedRoots: settings.restoreRoots.length === 0 ? null : settings.restoreRoots,
    delta: request.delta,
    databases: request.databases,
    recovery: request.recovery === null ? null : recoveryRequestOf(request.recovery),
    adopt: request.adopt,
  };
}

function resultOf(plan: RestorePlan): RestorePlanResult {
  return {
    planHash: plan.fingerprint,
    ok: plan.ok,
    backupId: plan.backupId,
    targetDirectory: plan.targetDirectory,
    tablespaces: plan.tablespaces.map(({ oid, from, to }) => ({ oid, from, to })),
    owner: plan.owner === null ? null : `${plan.owner.uid}:${plan.owner.gid}`,
    fileCount: plan.fileCount,
    bytesToWrite: String(plan.bytesToWrite),
    bytesToRead: String(plan.bytesToFetch),
    checks: plan.checks.map(({ id, state, sentence }) => ({ id, state, sentence })),
    sentence: plan.sentence,
    delta:
      plan.delta === null
        ? null
        : {
            comparedFiles: plan.delta.comparedFiles,
            comparedBytes: String(plan.delta.comparedBytes),
            newFiles: plan.delta.newFiles,
            removedCount: plan.delta.removedCount,
            removedBytes: String(plan.delta.removedBytes),
            removed: [...plan.delta.removed],
          },
    recovery: plan.recovery === null ? null : recoveryOf(plan.recovery),
    estimate: plan.estimate,
    databases:
      plan.databases === null
        ? null
        : { restored: [...plan.databases.restored], emptied: plan.databases.emptied.map(({ name }) => name) },
  };
}

function recoveryOf(plan: NonNullable<RestorePlan["recovery"]>): NonNullable<RestorePlanResult["recovery"]> {
  const { timeline, through, segments, storedBytes, plainBytes, sentence, notes } = plan;
  return {
    timeline,
    throughLsn: formatLsn(through.lsn as Lsn),
    throughAt: through.at?.toISOString() ?? null,
    segments: segments.length,
    storedBytes: String(storedBytes),
    plainBytes: String(plainBytes),
    sentence,
    notes: [...notes],
  };
}
