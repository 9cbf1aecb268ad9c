import {
  type BackupRow,
  type FindingRow,
  type Json,
  type OfflinePeriod,
  type Run,
  type RunEvent,
  type ScheduleRow,
  type Server,
  walSlotOf,
} from "@tidemark/metadata";
import type { z } from "zod";
import { formatLsn } from "../lsn-text.ts";
import { sizesOf } from "../use-cases/backup-sizes.ts";
import type { missedIn } from "../use-cases/offline.ts";
import type { ServerStanding } from "../use-cases/protection.ts";
import { remainingOf } from "../use-cases/runs.ts";
import type {
  BackupDocument,
  FindingDocument,
  OfflinePeriodDocument,
  RunDocument,
  RunEventDocument,
  ServerDocument,
} from "./documents.ts";

export function representServer(
  server: Server,
  standing: ServerStanding,
  schedules: readonly ScheduleRow[],
): z.input<typeof ServerDocument> {
  return {
    id: server.id,
    name: server.name,
    connection: server.connection,
    systemIdentifier: server.systemIdentifier,
    serverVersion: server.serverVersion,
    majorVersion: server.majorVersion,
    inRecovery: server.inRecovery,
    isDemo: server.isDemo,
    sizeBytes: size(server.sizeBytes),
    lastContactAt: time(server.lastContactAt),
    backupMethod: server.backupMethod,
    walMode: server.walMode,
    walSlot: walSlotOf(server),
    synchronous: server.synchronous,
    repositoryId: server.repositoryId,
    copyToId: server.copyToId,
    copyMaxRateKib: server.copyMaxRateKib,
    policyId: server.policyId,
    targets: standing.targets,
    protection: {
      state: standing.protection.state,
      reasons: standing.protection.reasons.map((reason) => reason.sentence),
    },
    offline:
      standing.offline === null
        ? null
        : {
            since: standing.offline.since.toISOString(),
            by: standing.offline.by,
            reason: standing.offline.reason,
          },
    lastBackupId: standing.lastBackup?.id ?? null,
    lastProvenAt: time(standing.lastProven?.provenAt ?? null),
    schedules: schedules
      .filter((schedule) => schedule.serverId === server.id)
      .map(({ id, kind, cron, zone, enabled }) => ({ id, kind, cron, zone, enabled })),
    version: server.version,
    createdAt: server.createdAt.toISOString(),
  };
}

export function representBackup(backup: BackupRow, readingReason: string | null): z.input<typeof BackupDocument> {
  return {
    id: backup.id,
    serverId: backup.serverId,
    repositoryId: backup.repositoryId,
    runId: backup.runId,
    state: backup.state,
    damaged: backup.damageDetail !== null,
    damageDetail: backup.damageDetail,
    label: backup.label,
    startedAt: backup.startedAt.toISOString(),
    finishedAt: time(backup.finishedAt),
    startLsn: backup.startLsn === null ? null : formatLsn(backup.startLsn),
    stopLsn: backup.stopLsn === null ? null : formatLsn(backup.stopLsn),
    timeline: backup.timeline,
    serverVersion: backup.serverVersion,
    systemIdentifier: backup.systemIdentifier,
    fileCount: backup.fileCount,
    sizeBytes: size(backup.sizeBytes),
    readBytes: size(backup.readBytes),
    storedBytes: size(backup.storedBytes),
    referencedBytes: size(backup.referencedBytes),
    sizes: representSizes(backup),
    places: backup.places?.map((place) => ({ ...place })) ?? null,
    reading: backup.reading?.kind === "full" ? { ...backup.reading, reason: readingReason } : backup.reading,
    trust:
      backup.trust === null
        ? null
        : {
            round: backup.trust.round,
            findings: backup.trust.findings.map(({ blocks, ...rest }) => ({ ...rest, blocks: [...blocks] })),
          },
    coverage: backup.coverage,
    verifiedAt: time(backup.verifiedAt),
    provenAt: time(backup.provenAt),
    hold: backup.hold === null ? null : { ...backup.hold, at: backup.hold.at.toISOString() },
    note: backup.note,
    error: backup.error,
  };
}

function representSizes(backup: BackupRow): z.input<typeof BackupDocument>["sizes"] {
  const sizes = sizesOf(backup);
  if (sizes === null) return null;
  const { sentBytes, ...rest } = sizes;
  return {
    totalBytes: String(rest.totalBytes),
    newBytes: String(rest.newBytes),
    referencedBytes: String(rest.referencedBytes),
    carriedBytes: String(rest.carriedBytes),
    zeroBytes: String(rest.zeroBytes),
    readBytes: String(rest.readBytes),
    sentBytes: size(sentBytes),
    storedBytes: String(rest.storedBytes),
  };
}

/** `result` is what of the run's result is shown here. */
export function representRun(run: Run, now: Date, result: Json): z.input<typeof RunDocument> {
  const remaining = remainingOf(run, now);
  return {
    id: run.id,
    kind: run.kind,
    state: run.state,
    serverId: run.serverId,
    backupId: run.backupId,
    repositoryId: run.repositoryId,
    waitingReason: run.waitingReason,
    phase: run.progress.phase,
    doneBytes: size(run.progress.done),
    totalBytes: size(run.progress.total),
    etaLowMs: remaining.lowMs,
    etaHighMs: remaining.highMs,
    requestedBy: run.requestedBy,
    createdAt: run.createdAt.toISOString(),
    startedAt: time(run.startedAt),
    finishedAt: time(run.finishedAt),
    cancelRequestedAt: time(run.cancelRequestedAt),
    cancelEffect: run.cancelEffect,
    lastSeq: run.lastSeq,
    error: run.error,
    result,
  };
}

export function representEvent(event: RunEvent): z.input<typeof RunEventDocument> {
  return {
    seq: event.seq,
    at: event.at.toISOString(),
    level: event.level,
    phase: event.phase,
    message: event.message,
    doneBytes: size(event.done),
    totalBytes: size(event.total),
    runState: event.runState,
  };
}

export function representFinding(finding: FindingRow): z.input<typeof FindingDocument> {
  return {
    id: finding.id,
    checkId: finding.checkId,
    serverId: finding.serverId,
    repositoryId: finding.repositoryId,
    severity: finding.severity,
    title: finding.title,
    found: finding.found,
    read: finding.read,
    required: finding.required,
    why: finding.why,
    remedy: finding.remedy,
    recheckable: finding.recheckable,
    firstSeenAt: finding.firstSeenAt.toISOString(),
    lastSeenAt: finding.lastSeenAt.toISOString(),
    resolvedAt: time(finding.resolvedAt),
  };
}

export function representOfflinePeriod(
  period: OfflinePeriod,
  missed: ReturnType<typeof missedIn>,
): z.input<typeof OfflinePeriodDocument> {
  return {
    id: period.id,
    since: period.since.toISOString(),
    by: period.by,
    reason: period.reason,
    endedAt: time(period.endedAt),
    endedBy: period.endedBy,
    missed: missed.times.map(({ kind, dueAt }) => ({ kind, dueAt: dueAt.toISOString() })),
    missedCount: missed.count,
  };
}

function time(value: Date | null): string | null {
  return value === null ? null : value.toISOString();
}

function size(value: bigint | null): string | null {
  return value === null ? null : value.toString();
}
