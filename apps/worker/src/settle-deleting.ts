import type { ServerArea } from "@tidemark/repository";
import type { WorkerDeps } from "./worker-deps.ts";

/**
 * Rows that say "deleting" although no deletion goes on say again what the repository holds: the backup, or nothing of
 * it. `reason` stands in the rows of those that are gone.
 */
export async function settleDeleting(
  deps: Pick<WorkerDeps, "metadata" | "clock">,
  serverId: string,
  area: Pick<ServerArea, "listBackups">,
  reason: string,
): Promise<void> {
  const { backups } = deps.metadata;
  const rows = (await backups.ofServer(serverId)).filter((row) => row.state === "deleting");
  if (rows.length === 0) return;
  const present = new Set((await area.listBackups()).map(({ backupId }) => backupId));
  for (const row of rows) {
    const gone = { state: "deleted", deletedAt: deps.clock.now(), deletedReason: row.deletedReason ?? reason } as const;
    await backups.update(row.id, present.has(row.id) ? { state: "restorable" } : gone, ["deleting"]);
  }
}
