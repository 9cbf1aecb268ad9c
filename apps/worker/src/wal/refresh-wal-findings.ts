import { rpoTargetOf } from "@tidemark/policy";
import { newestPeriods } from "../offline.ts";
import type { WorkerDeps } from "../worker-deps.ts";
import { walChecks, walFindings } from "./wal-findings.ts";

type FindingDeps = Pick<WorkerDeps, "metadata">;

/** Looks at the rows of all servers' WAL and brings their findings up to date. */
export async function refreshWalFindings({ metadata }: FindingDeps): Promise<void> {
  const servers = await metadata.servers.all();
  const ids = servers.map((server) => server.id);
  if (ids.length === 0) return;
  const now = await metadata.instance.now();
  const [receivers, gaps, newest, oldest, policies, periods, board, uncopied] = await Promise.all([
    metadata.walReceivers.ofServers(ids),
    metadata.wal.gaps(ids),
    metadata.backups.latestRestorable(ids),
    metadata.backups.oldestRestorable(ids),
    metadata.policies.getMany([...new Set(servers.map((server) => server.policyId))]),
    newestPeriods({ metadata }, ids),
    metadata.walClaims.board(),
    metadata.wal.uncopied(servers.flatMap((server) => (server.copyToId === null ? [] : [server.id]))),
  ]);
  const runIds = [...new Set(gaps.flatMap((gap) => (gap.runId === null ? [] : [gap.runId])))];
  const runs = await Promise.all(runIds.map((id) => metadata.runs.get(id)));
  const gapRuns = new Map(runs.flatMap((run) => (run === null ? [] : [[run.id, run] as const])));
  const hasRoom = board.workers.some((worker) => worker.held < worker.capacity);
  for (const server of servers) {
    const policy = policies.find(({ id }) => id === server.policyId);
    const seen = walFindings({
      server,
      now,
      receiver: receivers.find((one) => one.serverId === server.id) ?? null,
      gaps: gaps.filter((gap) => gap.serverId === server.id),
      gapRuns,
      newest: newest.find((backup) => backup.serverId === server.id) ?? null,
      oldest: oldest.find((backup) => backup.serverId === server.id) ?? null,
      windowDays: policy?.windowDays ?? null,
      uncopied: uncopied.find((one) => one.serverId === server.id) ?? null,
      offline: periods.get(server.id) ?? null,
      rpoTargetSeconds: rpoTargetOf(policy?.rpoTargetSeconds, true),
      hasRoom,
    });
    await metadata.findings.record({ kind: "server", serverId: server.id }, walChecks, seen);
  }
}
