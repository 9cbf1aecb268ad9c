import { AppError } from "@tidemark/kit";
import type { OfflinePeriod, Server } from "@tidemark/metadata";
import type { WorkerDeps } from "./worker-deps.ts";

type OfflineDeps = Pick<WorkerDeps, "metadata">;

/**
 * Throws `server-offline` for a server that somebody set offline: no new backup, inspection or act begins there. What
 * runs already goes on, and so does what does not touch the server (restores, drills, verifications, retention).
 */
export async function requireOnline(deps: OfflineDeps, server: Pick<Server, "id" | "name">): Promise<void> {
  const [period] = await deps.metadata.offline.current([server.id]);
  if (period === undefined) return;
  throw new AppError("server-offline", {
    message: `${server.name} is offline since ${period.since.toISOString()}, set by ${period.by}: ${period.reason}`,
    hint: "set it online again when it may be used",
    context: { serverId: server.id },
  });
}

/** The newest offline period of each of these servers, open or ended: nothing is late or missed for times within it. */
export async function newestPeriods(
  deps: OfflineDeps,
  serverIds: readonly string[],
): Promise<ReadonlyMap<string, OfflinePeriod>> {
  const unique = [...new Set(serverIds)];
  if (unique.length === 0) return new Map();
  return new Map((await deps.metadata.offline.latest(unique)).map((period) => [period.serverId, period]));
}
