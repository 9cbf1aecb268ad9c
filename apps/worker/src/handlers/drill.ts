import { join } from "node:path";
import { type DrillRecovery, type DrillReport, runDrill } from "@tidemark/engine";
import type { DrillResult } from "@tidemark/jobs";
import type { BackupChange } from "@tidemark/metadata";
import { formatLsn, type Lsn } from "@tidemark/postgres";
import { withArea } from "../open-repository.ts";
import { requireServer } from "../open-server.ts";
import type { RunHandler } from "../run-context.ts";
import { drillScratch } from "../scratch.ts";
import { jsonOfTarget, trialTargetOf } from "../trial-target.ts";
import { workerVersion } from "../version.ts";

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
      {
        drillId: run.id,
        backupId: request.backupId,
        by: run.requestedBy,
        target: request.target === null ? null : trialTargetOf(request.target),
        timeline: request.timeline,
        promised: request.promised,
        expectations: request.expectations,
        maxBytes: smaller(request.maxBytes, deps.settings.drillMaxBytes),
        checkBudgetMs: request.checkSeconds * 1000,
        startTimeoutMs,
        replayTimeoutMs: request.replaySeconds * 1000,
      },
      control,
    ),
  );
  const at = deps.clock.now();
  const result = resultOf(report, deps.settings.hostname);
  // Nothing was tried, so nothing is known of the backup that was not known before.
  if (report.outcome === "unreachable") {
    const message = `nothing was drilled: ${report.reason}`;
    return { kind: "failed", result, error: { code: "target-unreachable", message, hint: unreachableHint } };
  }
  await deps.metadata.backups.update(report.backupId, changeOf(report, result, run.id, at));
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

function resultOf(report: DrillReport, hostname: string): DrillResult {
  const { restored } = report;
  return {
    outcome: report.outcome,
    reason: report.reason,
    rtoMs: report.rtoMs,
    phases: report.phases.map(({ name, durationMs }) => ({ name, durationMs })),
    checks: report.checks.map(({ name, ok, detail }) => ({ name, ok, detail })),
    backupId: report.backupId === "" ? null : report.backupId,
    restored:
      restored === null
        ? null
        : {
            serverName: restored.serverName,
            systemIdentifier: String(restored.systemIdentifier),
            sourceVersion: restored.sourceVersion,
            stoppedAt: restored.stoppedAt.toISOString(),
            bytes: String(restored.bytes),
          },
    recovery: report.recovery === null ? null : recoveryOf(report.recovery),
    postgresVersion: report.serverVersion,
    tidemarkVersion: workerVersion,
    hostname,
    startedAt: report.startedAt.toISOString(),
    finishedAt: report.finishedAt.toISOString(),
    log: report.log,
  };
}

function recoveryOf(recovery: DrillRecovery): DrillResult["recovery"] {
  const { target, timeline, sentence, reached, segments, waitedMs } = recovery;
  return {
    target: jsonOfTarget(target),
    timeline,
    sentence,
    reachedLsn: reached.lsn === null ? null : formatLsn(reached.lsn as Lsn),
    reachedAt: reached.at === null ? null : reached.at.toISOString(),
    segments,
    waitedMs,
  };
}

function changeOf(report: DrillReport, result: DrillResult, runId: string, at: Date): BackupChange {
  const damage = report.checks.find((check) => !check.ok && check.provesDamage);
  return {
    proof: {
      at: at.toISOString(),
      ok: report.outcome === "proven",
      outcome: report.outcome,
      rtoMs: report.rtoMs,
      phases: result.phases,
      checks: result.checks,
      runId,
    },
    ...(report.outcome === "proven" ? { provenAt: at, damageDetail: null } : {}),
    ...(damage === undefined ? {} : { damageDetail: `${damage.name}: ${damage.detail}` }),
  };
}

/** The stricter of the request's limit and this worker's. */
function smaller(asked: string | null, allowed: bigint | null): bigint | null {
  if (asked === null) return allowed;
  return allowed === null || BigInt(asked) < allowed ? BigInt(asked) : allowed;
}

const startTimeoutMs = 10 * 60_000;
const unreachableHint = "this says nothing about the backups; choose an instant the recovery window shows";
