import type { RunRequest } from "@tidemark/jobs";
import type { Run, Server } from "@tidemark/metadata";
import { startRun } from "./start-run.ts";
import type { WorkerDeps } from "./worker-deps.ts";

type DrillDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger">;

/**
 * The first backup of a server is proven at once, so that nobody waits a week to learn whether restores work. Asked for
 * again (by the reconciler, when the backup's worker died right after it), the same drill stands. The backup is good
 * without: a drill that cannot be started fails nothing.
 */
export async function drillAfter(
  deps: DrillDeps,
  run: Pick<Run, "requestedBy">,
  backup: Pick<RunRequest<"backup">, "backupId" | "drillAfter">,
  server: Pick<Server, "id" | "repositoryId">,
): Promise<void> {
  if (!backup.drillAfter) return;
  const { backupId } = backup;
  try {
    await startRun(deps, {
      kind: "drill",
      serverId: server.id,
      repositoryId: server.repositoryId,
      backupId,
      requestedBy: run.requestedBy,
      request: { serverId: server.id, backupId },
      idempotency: { principal: "tidemark", key: `drill-after ${backupId}`, requestHash: backupId },
    });
  } catch (error) {
    deps.logger.error({ err: error, backupId }, "the drill that should follow a first backup could not be started");
  }
}
