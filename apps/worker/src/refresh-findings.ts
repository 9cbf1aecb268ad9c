import type { Run } from "@tidemark/metadata";
import { copyLags } from "./copy-lags.ts";
import { newestPeriods } from "./offline.ts";
import { repositoryChecks, repositoryFindings } from "./repository-findings.ts";
import { serverChecks, serverFindings } from "./server-findings.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type FindingDeps = Pick<WorkerDeps, "metadata" | "clock">;

/** Looks at the rows of these servers (all when left out) and brings their findings up to date. */
export async function refreshServerFindings(deps: FindingDeps, serverIds?: readonly string[]): Promise<void> {
  const { metadata } = deps;
  const all = serverIds === undefined ? await metadata.servers.all() : await metadata.servers.getMany(serverIds);
  const servers = all.filter((server) => server.removedAt === null);
  const ids = servers.map((server) => server.id);
  if (ids.length === 0) return;
  const schedules = await metadata.schedules.ofServers(ids);
  const [newest, damaged, failures, backupRuns, drillRuns, verdicts, scheduledRuns, periods, lags] = await Promise.all([
    metadata.backups.latestRestorable(ids),
    metadata.backups.damagedCounts(ids),
    metadata.runs.failuresInRow(ids, "backup"),
    metadata.runs.latestFinished(ids, "backup"),
    metadata.runs.latestFinished(ids, "drill"),
    metadata.runs.latestDrillVerdicts(ids),
    metadata.runs.latestOfSchedules(schedules.map((schedule) => schedule.id)),
    newestPeriods(deps, ids),
    copyLags(deps, servers),
  ]);
  const of = (runs: readonly Run[], serverId: string) => runs.find((run) => run.serverId === serverId) ?? null;
  for (const server of servers) {
    const seen = serverFindings({
      server,
      now: deps.clock.now(),
      schedules: schedules.filter((schedule) => schedule.serverId === server.id),
      newest: newest.find((backup) => backup.serverId === server.id) ?? null,
      damagedCount: damaged.get(server.id) ?? 0,
      failuresInRow: failures.get(server.id) ?? 0,
      lastBackupRun: of(backupRuns, server.id),
      lastDrillRun: of(drillRuns, server.id),
      lastDrillVerdict: of(verdicts, server.id),
      scheduledRuns,
      copyLag: lags.get(server.id) ?? null,
      offline: periods.get(server.id) ?? null,
    });
    await metadata.findings.record({ kind: "server", serverId: server.id }, serverChecks, seen);
  }
}

export async function refreshRepositoryFindings(deps: FindingDeps): Promise<void> {
  for (const repository of await deps.metadata.repositories.all()) {
    const subject = { kind: "repository", repositoryId: repository.id } as const;
    await deps.metadata.findings.record(subject, repositoryChecks, repositoryFindings(repository));
  }
}
