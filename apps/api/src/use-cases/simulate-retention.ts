import { setImmediate } from "node:timers/promises";
import type { BackupRow } from "@tidemark/metadata";
import {
  describeRetention,
  keptAt,
  type RetentionPolicy,
  type RetentionReason,
  type RetentionSimulation,
  type SimulatedBackup,
  simulationSteps,
} from "@tidemark/policy";
import type { Services } from "../services.ts";
import { isInRepository, retentionFacts } from "./retention-plan.ts";

/** What there would be at a date to come, and what will have gone until then. */
export interface RetentionForecast {
  /** As asked, or earlier when the schedules would give too many backups until then. */
  readonly at: Date;
  /** Newest first. */
  readonly kept: readonly ForecastBackup[];
  /** Of the backups that exist now, those that will have been deleted; in the order of their deletion. */
  readonly deleted: readonly ForecastDeletion[];
  /** How many backups the schedules will have taken until then. */
  readonly foretoldCount: number;
  readonly sentence: string;
}

export interface ForecastBackup {
  /** Null: it does not exist yet. */
  readonly backup: BackupRow | null;
  readonly startedAt: Date;
  readonly reasons: readonly string[];
}

export interface ForecastDeletion {
  readonly backup: BackupRow;
  readonly deletedAt: Date;
  readonly reasons: readonly string[];
}

/**
 * Foretells what a policy leaves of a server's backups, and of those its schedules will take. Other requests have their
 * turn between the simulated days. Throws `policy-invalid`, `bad-request` for a date that is over or too far away.
 */
export async function forecastRetention(
  services: Services,
  serverId: string,
  policy: RetentionPolicy,
  at: Date,
): Promise<RetentionForecast> {
  const rows = (await services.metadata.backups.ofServer(serverId)).filter(isInRepository);
  const schedules = (await services.metadata.schedules.ofServers([serverId])).filter(
    ({ kind, enabled }) => kind === "backup" && enabled,
  );
  const now = services.clock.now();
  // "Today", as a page says it that was opened a while ago.
  const to = at < now && now.getTime() - at.getTime() < dayMs ? now : at;
  const steps = simulationSteps({
    ...retentionFacts(rows),
    policy,
    schedules: schedules.map(({ cron, zone }) => ({ cron, timeZone: zone })),
    from: now,
    to,
    copyMs: usualCopyMs(rows),
  });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return describe(step.value, new Map(rows.map((row) => [row.id, row])), policy);
    await setImmediate();
  }
}

function describe(
  simulation: RetentionSimulation,
  rows: ReadonlyMap<string, BackupRow>,
  policy: RetentionPolicy,
): RetentionForecast {
  const reasons = new Map(simulation.plan.kept.map((one) => [one.backupId, sentences(one.reasons)]));
  const kept = keptAt(simulation, simulation.to).map(({ backup }) => ({
    backup: rows.get(backup.backupId) ?? null,
    startedAt: backup.startedAt,
    reasons: reasons.get(backup.backupId) ?? [],
  }));
  kept.sort((left, right) => right.startedAt.getTime() - left.startedAt.getTime());
  const foretoldCount = simulation.backups.filter(({ predicted }) => predicted).length;
  const deleted = simulation.backups.flatMap((backup) => deletionOf(backup, rows));
  deleted.sort((left, right) => left.deletedAt.getTime() - right.deletedAt.getTime());
  const sentence = `${counted(kept.length)} of ${rows.size + foretoldCount}: the policy ${describeRetention(policy)}`;
  return { at: simulation.to, kept, deleted, foretoldCount, sentence };
}

function deletionOf(backup: SimulatedBackup, rows: ReadonlyMap<string, BackupRow>): ForecastDeletion[] {
  const row = rows.get(backup.backupId);
  if (row === undefined || backup.deletedAt === null) return [];
  return [{ backup: row, deletedAt: backup.deletedAt, reasons: sentences(backup.deletedReasons) }];
}

function sentences(reasons: readonly RetentionReason<string>[]): readonly string[] {
  return reasons.map(({ sentence }) => sentence);
}

function counted(count: number): string {
  return count === 1 ? "1 backup" : `${count} backups`;
}

/** The median of the last backups' durations; ten minutes where there is none. */
function usualCopyMs(rows: readonly BackupRow[]): number {
  const durations = rows
    .slice(0, 20)
    .flatMap(({ startedAt, finishedAt }) => (finishedAt === null ? [] : [finishedAt.getTime() - startedAt.getTime()]))
    .sort((left, right) => left - right);
  return Math.max(0, durations[Math.floor(durations.length / 2)] ?? 600_000);
}

const dayMs = 86_400_000;
