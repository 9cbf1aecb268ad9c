import { verifyBackup } from "@tidemark/engine";
import type { VerifyResult } from "@tidemark/jobs";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";

/** Reads a backup whole. Damage found is a failed run with a report, and a mark on the backup. */
export const verifyHandler: RunHandler<"verify"> = async ({ run, request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const report = await withArea(deps, server, (area) =>
    verifyBackup({ area, clock: deps.clock }, { backupId: request.backupId, by: run.requestedBy }, control),
  );
  const at = deps.clock.now();
  const result: VerifyResult = {
    ok: report.ok,
    checkedBytes: String(report.checkedBytes),
    checkedFiles: report.checkedFiles,
    problems: report.problems.slice(0, problemsKept).map((problem) => problem.sentence),
  };
  const first = report.problems[0];
  await deps.metadata.backups.update(request.backupId, {
    verification: { at: at.toISOString(), ...result },
    ...(report.ok
      ? { verifiedAt: at, damageDetail: null }
      : { damageDetail: first?.sentence ?? "the verification found damage" }),
  });
  if (report.ok) return { kind: "done", result };
  const message = `${report.problemCount} problems were found; the first: ${first?.sentence ?? "unknown"}`;
  const hint = "the backup is kept and marked; the next backup stores anew what is damaged here";
  return { kind: "failed", result, error: { code: "backup-damaged", message, hint } };
};

const problemsKept = 100;
