import { DrillResult } from "@tidemark/jobs";
import type {
  BackupRow,
  FindingRow,
  Metadata,
  OfflinePeriod,
  PolicyRow,
  RepositoryRow,
  Run,
  ScheduleRow,
  Server,
} from "@tidemark/metadata";
import {
  type PolicyTargets,
  type Protection,
  type ProtectionFacts,
  proofLifetimeOf,
  protectionState,
} from "@tidemark/policy";
import { type ServerVerification, verificationsOf } from "./verifications.ts";
import { walFactsOf, walRowsOf } from "./wal-protection.ts";

/** What is known of a server, gathered for many at once: fifteen queries, however many servers. */
export interface ServerStanding {
  readonly protection: Protection;
  readonly lastBackup: BackupRow | null;
  readonly lastProven: BackupRow | null;
  /** The period it is in; null: online. */
  readonly offline: OfflinePeriod | null;
  /** What its policy promises beside retention. */
  readonly targets: PolicyTargets;
  /** How far the verifications are that its policy wants, in each of its repositories; empty: it wants none. */
  readonly verifications: readonly ServerVerification[];
}

/** In the order of `servers`. */
export async function standingsOf(
  metadata: Metadata,
  servers: readonly Server[],
  now: Date,
): Promise<readonly ServerStanding[]> {
  const ids = servers.map((server) => server.id);
  const repositoryIds = [...new Set(servers.map((server) => server.repositoryId))];
  const [latest, proven, damaged, failures, drills, schedules, repositories, findings, offline] = await Promise.all([
    metadata.backups.latestRestorable(ids),
    metadata.backups.lastProven(ids),
    metadata.backups.damagedCounts(ids),
    metadata.runs.failuresInRow(ids, "backup"),
    metadata.runs.latestDrillVerdicts(ids),
    metadata.schedules.ofServers(ids),
    metadata.repositories.getMany(repositoryIds),
    metadata.findings.open(ids),
    metadata.offline.current(ids),
  ]);
  const walRows = await walRowsOf(metadata, servers);
  const verifications = await verificationsOf(metadata, servers, walRows.policies, now);
  const latestOf = new Map(latest.map((backup) => [backup.serverId, backup]));
  const provenOf = new Map(proven.map((backup) => [backup.serverId, backup]));
  const drillOf = new Map(drills.flatMap((run) => (run.serverId === null ? [] : [[run.serverId, run] as const])));
  const repositoryOf = new Map(repositories.map((repository) => [repository.id, repository]));
  return servers.map((server) => {
    const lastBackup = latestOf.get(server.id) ?? null;
    const lastProven = provenOf.get(server.id) ?? null;
    const period = offline.find((one) => one.serverId === server.id) ?? null;
    const policy = walRows.policies.find(({ id }) => id === server.policyId);
    const verified = verifications.get(server.id) ?? [];
    const facts: ProtectionFacts = {
      readAt: readAt(repositoryOf.get(server.repositoryId)),
      newestRestorable: newestOf(lastBackup),
      olderDamagedCount: Math.max(0, (damaged.get(server.id) ?? 0) - (lastBackup?.damageDetail == null ? 0 : 1)),
      schedule: backupSchedule(schedules, server.id),
      failuresInRow: failures.get(server.id) ?? 0,
      lastDrill: verdictOf(drillOf.get(server.id)),
      lastProvenAt: lastProven?.provenAt ?? null,
      blockingFindings: blockingOf(findings, server.id),
      offline: period,
      wal: walFactsOf({
        server,
        rows: walRows,
        newest: lastBackup,
        lastDrill: drillOf.get(server.id),
        lastProven,
        offline: period,
        now,
      }),
      verificationLate: verified.find(({ turn }) => turn.late)?.sentence ?? null,
      proofLifetimeMs: proofLifetimeOf(policy?.proofDays),
    };
    return {
      protection: protectionState(facts, now),
      lastBackup,
      lastProven,
      offline: period,
      targets: targetsOf(policy),
      verifications: verified,
    };
  });
}

/** A repository that cannot be reached is one of which nothing is known now. */
function readAt(repository: RepositoryRow | undefined): Date | null {
  if (repository === undefined || unreadStates.has(repository.state)) return null;
  return repository.checkedAt ?? repository.createdAt;
}

const unreadStates: ReadonlySet<RepositoryRow["state"]> = new Set(["attaching", "unreachable", "failed"]);

function newestOf(backup: BackupRow | null): ProtectionFacts["newestRestorable"] {
  if (backup === null) return null;
  return {
    stoppedAt: backup.finishedAt ?? backup.startedAt,
    damaged: backup.damageDetail !== null,
    suspectPageCount: backup.suspectPages.reduce((count, file) => count + file.blocks.length, 0),
  };
}

function backupSchedule(schedules: readonly ScheduleRow[], serverId: string): ProtectionFacts["schedule"] {
  const schedule = schedules.find((one) => one.serverId === serverId && one.kind === "backup" && one.enabled);
  return schedule === undefined ? null : { cron: schedule.cron, timeZone: schedule.zone };
}

function blockingOf(findings: readonly FindingRow[], serverId: string): readonly string[] {
  return findings
    .filter((finding) => finding.serverId === serverId && finding.severity === "blocks-backup")
    .map((finding) => `${finding.title}: ${finding.found}`);
}

function targetsOf(policy: PolicyRow | undefined): PolicyTargets {
  const { rpoTargetSeconds = null, rtoTargetSeconds = null, proofDays = null, verifyDays = null } = policy ?? {};
  return { rpoTargetSeconds, rtoTargetSeconds, proofDays, verifyDays };
}

/** "Not possible here", out of reach, cancelled and interrupted drills are no verdict. */
function verdictOf(run: Run | undefined): ProtectionFacts["lastDrill"] {
  if (run === undefined || run.finishedAt === null) return null;
  const result = DrillResult.safeParse(run.result);
  if (!result.success) return null;
  const { outcome } = result.data;
  return outcome === "proven" || outcome === "failed" ? { outcome, at: run.finishedAt } : null;
}
