import type { Server } from "@tidemark/metadata";
import { type CopyLag, copyLag } from "@tidemark/policy";
import { copyAllowedMs } from "./server-findings.ts";
import type { WorkerDeps } from "./worker-deps.ts";

/** How far the second repository of each of these servers is behind, from rows; servers without one are left out. */
export async function copyLags(
  { metadata, clock }: Pick<WorkerDeps, "metadata" | "clock">,
  servers: readonly Server[],
): Promise<ReadonlyMap<string, CopyLag>> {
  const copied = servers.filter((server) => server.copyToId !== null);
  const lags = new Map<string, CopyLag>();
  if (copied.length === 0) return lags;
  const rows = await metadata.copies.ofServers(copied.map(({ id }) => id));
  for (const { id, copyToId } of copied) {
    const seen = new Map(rows.filter((row) => row.repositoryId === copyToId).map((row) => [row.backupId, row]));
    const candidates = (await metadata.backups.ofServer(id)).flatMap((backup) => {
      if (backup.state !== "restorable" || backup.finishedAt === null) return [];
      const copy = seen.get(backup.id);
      return {
        backupId: backup.id,
        stoppedAt: backup.finishedAt,
        usable: backup.damageDetail === null,
        copied: copy !== undefined && copy.goneAt === null,
        dropped: copy !== undefined && copy.goneAt !== null,
      };
    });
    lags.set(id, copyLag(candidates, clock.now(), copyAllowedMs));
  }
  return lags;
}
