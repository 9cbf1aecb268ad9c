import {
  type DrillResult,
  DrillResult as DrillResultShape,
  type DrillSettingsJson,
  parseRunRequest,
} from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import type { BackupRow, Run } from "@tidemark/metadata";
import { formatLsn } from "../lsn-text.ts";
import type { Services } from "../services.ts";
import { requireRun } from "./requirements.ts";

/** A drill that ended: what was asked of it, and what came of it. */
export interface DrillEvidence {
  readonly run: Run;
  readonly asked: DrillSettingsJson;
  readonly result: DrillResult;
}

/** Null for a run that is no drill, has not ended, or failed before there was anything to tell. */
export function drillEvidenceOf(run: Run): DrillEvidence | null {
  if (run.kind !== "drill" || run.result === null) return null;
  const result = DrillResultShape.safeParse(run.result);
  if (!result.success) return null;
  const { serverId: _server, backupId: _backup, promised: _promised, ...asked } = parseRunRequest("drill", run.request);
  return { run, asked, result: result.data };
}

/** The backup a drill restored: the one it was asked for, or the one it chose. */
export function drilledBackupId({ run, result }: DrillEvidence): string | null {
  return result.backupId ?? run.backupId;
}

/** Everything there is to show of a drill to somebody who does not have this Tidemark: an auditor, a file beside a ticket. */
export async function exportDrillEvidence(services: Services, runId: string) {
  const run = await requireRun(services, runId);
  const evidence = drillEvidenceOf(run);
  if (evidence === null) {
    throw new AppError("not-found", {
      message: `run ${run.id} has no evidence`,
      hint: run.kind === "drill" ? "a drill has it when it has ended" : "only drills have it",
    });
  }
  const backupId = drilledBackupId(evidence);
  const [server, backup] = await Promise.all([
    run.serverId === null ? null : services.metadata.servers.get(run.serverId),
    backupId === null ? null : services.metadata.backups.get(backupId),
  ]);
  const repository = backup === null ? null : await services.metadata.repositories.get(backup.repositoryId);
  return {
    document: "tidemark drill evidence",
    version: 1,
    exportedAt: services.clock.now().toISOString(),
    run: {
      id: run.id,
      state: run.state,
      requestedBy: run.requestedBy,
      createdAt: run.createdAt.toISOString(),
      startedAt: run.startedAt?.toISOString() ?? null,
      finishedAt: run.finishedAt?.toISOString() ?? null,
      error: run.error,
    },
    server: server === null ? null : { id: server.id, name: server.name, systemIdentifier: server.systemIdentifier },
    backup: backup === null ? null : { ...backupFacts(backup), repository: repository?.name ?? null },
    asked: evidence.asked,
    result: evidence.result,
  };
}

function backupFacts(backup: BackupRow) {
  return {
    id: backup.id,
    startedAt: backup.startedAt.toISOString(),
    finishedAt: backup.finishedAt?.toISOString() ?? null,
    timeline: backup.timeline,
    startLsn: backup.startLsn === null ? null : formatLsn(backup.startLsn),
    stopLsn: backup.stopLsn === null ? null : formatLsn(backup.stopLsn),
    sizeBytes: backup.sizeBytes === null ? null : String(backup.sizeBytes),
    serverVersion: backup.serverVersion,
  };
}
