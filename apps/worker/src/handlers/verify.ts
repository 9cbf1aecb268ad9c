import { type VerifyCoverage, verifyBackup } from "@tidemark/engine";
import type { VerifyResult } from "@tidemark/jobs";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";

/** Verifies a backup as deep as was asked. Damage found is a failed run with a report, and a mark on the backup. */
export const verifyHandler: RunHandler<"verify"> = async ({ run, request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const report = await withArea(deps, server, (area) =>
    verifyBackup(
      { area, clock: deps.clock },
      { backupId: request.backupId, tier: request.tier, subset: request.subset, by: run.requestedBy },
      control,
    ),
  );
  const at = deps.clock.now();
  const result: VerifyResult = {
    ok: report.ok,
    checkedBytes: String(report.checkedBytes),
    checkedFiles: report.checkedFiles,
    problems: report.problems.slice(0, problemsKept).map((problem) => problem.sentence),
    tier: report.tier,
    subset: report.subset,
    checkedPacks: report.checkedPacks,
    hitBackupIds: [...report.hitBackupIds],
    healing: [...report.healing],
    coverage: coverageResult(report.coverage),
  };
  const first = report.problems[0];
  await deps.metadata.backups.update(request.backupId, {
    verification: { at: at.toISOString(), ...result },
    // Only a whole verification of every pack can say that a backup is sound; each can say that it is not.
    ...(report.ok
      ? report.tier === "whole" && report.subset === null && { verifiedAt: at, damageDetail: null }
      : { damageDetail: first?.sentence ?? "the verification found damage" }),
  });
  // Others that share what is damaged are hit as well.
  for (const backupId of report.hitBackupIds) {
    if (backupId === request.backupId) continue;
    const detail = report.problems.find(({ backupIds }) => backupIds.includes(backupId))?.sentence;
    if (detail !== undefined && (await deps.metadata.backups.get(backupId)) !== null) {
      await deps.metadata.backups.update(backupId, { damageDetail: detail });
    }
  }
  if (report.ok) return { kind: "done", result };
  const message = `${report.problemCount} problems were found; the first: ${first?.sentence ?? "unknown"}`;
  const hint = "the backup is kept and marked; the next backup stores anew what is damaged here";
  return { kind: "failed", result, error: { code: "backup-damaged", message, hint } };
};

function coverageResult(coverage: VerifyCoverage): VerifyResult["coverage"] {
  const { storedShare, wholeShare, storedSince, wholeSince } = coverage;
  return {
    storedShare,
    wholeShare,
    storedSince: storedSince?.toISOString() ?? null,
    wholeSince: wholeSince?.toISOString() ?? null,
  };
}

const problemsKept = 100;
