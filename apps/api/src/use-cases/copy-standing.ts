import { copyCandidates, type Metadata, type Server } from "@tidemark/metadata";
import { type CopyLag, copyAllowedMs, copyLag } from "@tidemark/policy";

/** How far the second repository of each of these servers is behind; null for a server without one. */
export async function copyLagsOf(
  metadata: Pick<Metadata, "backups" | "copies">,
  servers: readonly Server[],
  now: Date,
): Promise<readonly (CopyLag | null)[]> {
  const copied = servers.filter(({ copyToId }) => copyToId !== null);
  const copies = copied.length === 0 ? [] : await metadata.copies.ofServers(copied.map(({ id }) => id));
  return Promise.all(
    servers.map(async ({ id, copyToId }) => {
      if (copyToId === null) return null;
      return copyLag(copyCandidates(await metadata.backups.ofServer(id), copies, copyToId), now, copyAllowedMs);
    }),
  );
}
