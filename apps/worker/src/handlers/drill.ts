import { join } from "node:path";
import { type DrillReport, runDrill } from "@tidemark/engine";
import type { DrillResult } from "@tidemark/jobs";
import type { BackupChange } from "@tidemark/metadata";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import { drillScratch } from "../scratch.ts";

/** Restores, starts, checks and throws away. "Could not be tried here" leaves the backup unproven, not damaged. */
export const drillHandler: RunHandler<"drill"> = async ({ run, request, control, deps }) => {
  const server = await requireServer(deps, request.serverId);
  const report = await withArea(deps, server, (area) =>
    runDrill(
      {
        area,
        clock: deps.clock,
        scratchDir: drillScratch(deps.settings),
        postgresCacheDir: join(deps.settings.home, "cache", "postgres"),
      },
      { drillId: run.id, backupId: request.backupId, by: run.requestedBy, checkBudgetMs, startTimeoutMs },
      control,
    ),
  );
  const at = deps.clock.now();
  const result = resultOf(report);
  await deps.metadata.backups.update(report.backupId, changeOf(report, result, at));
  if (report.outcome === "proven") return { kind: "done", result };
  const code = report.outcome === "failed" ? "drill-failed" : "drill-not-possible";
  const message =
    report.outcome === "failed"
      ? `the drill failed: ${report.reason}`
      : `the backup could not be drilled here, because ${report.reason}`;
  const hint =
    report.outcome === "failed" ? "the backup is kept; look at the checks of this run" : "the backup stays unproven";
  return { kind: "failed", result, error: { code, message, hint } };
};

function resultOf(report: DrillReport): DrillResult {
  return {
    outcome: report.outcome,
    reason: report.reason,
    rtoMs: report.rtoMs,
    phases: report.phases.map(({ name, durationMs }) => ({ name, durationMs })),
    checks: report.checks.map(({ name, ok, detail }) => ({ name, ok, detail })),
  };
}

function changeOf(report: DrillReport, result: DrillResult, at: Date): BackupChange {
  const damage = report.checks.find((check) => !check.ok && check.provesDamage);
  return {
    proof: {
      at: at.toISOString(),
      ok: report.outcome === "proven",
      outcome: report.outcome,
      rtoMs: report.rtoMs,
      phases: result.phases,
      checks: result.checks,
    },
    ...(report.outcome === "proven" ? { provenAt: at, damageDetail: null } : {}),
    ...(damage === undefined ? {} : { damageDetail: `${damage.name}: ${damage.detail}` }),
  };
}

/** Checks read every row within this time and say what they left out. */
const checkBudgetMs = 10 * 60_000;
const startTimeoutMs = 10 * 60_000;
