import { ServerCheckResult, ServerSnapshotDocument } from "@tidemark/jobs";
import { z } from "zod";
import type { Services } from "../services.ts";

/** What the last inspection of a server left. */
export interface Inspected {
  readonly serverId: string;
  readonly snapshot: ServerSnapshotDocument;
  /** All checks, the good ones too; one that was asked alone since is newer than the snapshot. */
  readonly checks: readonly ServerCheckResult[];
}

/**
 * Of those of these servers that were ever inspected, in one query. One whose inspection a worker of another version
 * left in another shape counts as never inspected: the next one, minutes later, replaces it.
 */
export async function inspectedServers(
  { metadata, logger }: Pick<Services, "metadata" | "logger">,
  serverIds: readonly string[],
): Promise<readonly Inspected[]> {
  const rows = await metadata.servers.snapshots(serverIds);
  return rows.flatMap((row) => {
    const parsed = Stored.safeParse({ snapshot: row.document, checks: row.checks });
    if (parsed.success) return [{ serverId: row.serverId, ...parsed.data }];
    logger.warn({ serverId: row.serverId, err: parsed.error }, "a stored inspection has a shape of another version");
    return [];
  });
}

const Stored = z.object({ snapshot: ServerSnapshotDocument, checks: z.array(ServerCheckResult) });
