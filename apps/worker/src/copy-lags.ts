import { copyCandidates, type Server } from "@tidemark/metadata";
import { type CopyLag, copyAllowedMs, copyLag } from "@tidemark/policy";
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
    const candidates = copyCandidates(await metadata.backups.ofServer(id), rows, copyToId ?? "");
    lags.set(id, copyLag(candidates, clock.now(), copyAllowedMs));
  }
  return lags;
}
