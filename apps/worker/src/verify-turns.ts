import type { PolicyRow, RepositoryRow, Server } from "@tidemark/metadata";
import { verifyTurn } from "@tidemark/policy";
import { startRun } from "./start-run.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type TurnDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger" | "clock">;

/**
 * Starts the verifications that policies want by themselves (`verifyDays`): of each server, in its repository and in that
 * its backups are copied to, the part whose turn it is. Not of a server that is offline, whose schedules stand still, and
 * not where nothing is stored or the repository is away. Gives how many were started.
 */
export async function startVerifyTurns(deps: TurnDeps): Promise<number> {
  const { metadata, clock } = deps;
  const servers = await metadata.servers.all();
  const policies = await metadata.policies.getMany([...new Set(servers.map(({ policyId }) => policyId))]);
  const wanting = servers.flatMap((server) => {
    const days = daysOf(policies, server);
    return days === null ? [] : [{ server, days }];
  });
  if (wanting.length === 0) return 0;
  const ids = wanting.map(({ server }) => server.id);
  const [rows, offline, places] = await Promise.all([
    metadata.runs.verifiedParts(ids),
    metadata.offline.current(ids),
    filledPlaces(deps, ids),
  ]);
  const ready = await readyRepositories(deps);
  const now = clock.now();
  let started = 0;
  for (const { server, days } of wanting) {
    if (offline.some(({ serverId }) => serverId === server.id)) continue;
    for (const repositoryId of [server.repositoryId, server.copyToId]) {
      if (repositoryId === null || !ready.has(repositoryId) || !places.has(`${server.id} ${repositoryId}`)) continue;
      const parts = rows.filter((row) => row.serverId === server.id && row.repositoryId === repositoryId);
      const { next } = verifyTurn({ days, parts, now });
      if (next === null) continue;
      const subset = days === 1 ? null : { part: next, of: days };
      await startRun(deps, {
        kind: "verify",
        serverId: server.id,
        repositoryId,
        requestedBy: "policy",
        request: { serverId: server.id, backupId: null, repositoryId, tier: "whole", subset },
      });
      started++;
    }
  }
  return started;
}

function daysOf(policies: readonly PolicyRow[], server: Server): number | null {
  return policies.find(({ id }) => id === server.policyId)?.verifyDays ?? null;
}

/** `server repository` wherever a backup or a copy of one is known to be. */
async function filledPlaces({ metadata }: TurnDeps, serverIds: readonly string[]): Promise<ReadonlySet<string>> {
  const [backups, copies] = await Promise.all([
    metadata.backups.latestRestorable(serverIds),
    metadata.copies.ofServers(serverIds),
  ]);
  const there = copies.filter(({ goneAt }) => goneAt === null);
  return new Set([...backups, ...there].map(({ serverId, repositoryId }) => `${serverId} ${repositoryId}`));
}

async function readyRepositories({ metadata }: TurnDeps): Promise<ReadonlySet<string>> {
  const away: ReadonlySet<RepositoryRow["state"]> = new Set(["attaching", "unreachable", "failed"]);
  return new Set((await metadata.repositories.all()).filter(({ state }) => !away.has(state)).map(({ id }) => id));
}
