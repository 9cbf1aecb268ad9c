import { ServerCheckResult, ServerSnapshotDocument } from "@tidemark/jobs";
import type { Metadata } from "@tidemark/metadata";
import { z } from "zod";

/** What the last inspection of a server left. */
export interface Inspected {
  readonly serverId: string;
  readonly snapshot: ServerSnapshotDocument;
  /** All checks, the good ones too; one that was asked alone since is newer than the snapshot. */
  readonly checks: readonly ServerCheckResult[];
}

/** Of those of these servers that were ever inspected, in one query. */
export async function inspectedServers(
  metadata: Metadata,
  serverIds: readonly string[],
): Promise<readonly Inspected[]> {
  const rows = await metadata.servers.snapshots(serverIds);
  return rows.map((row) => ({
    serverId: row.serverId,
    snapshot: ServerSnapshotDocument.parse(row.document),
    checks: Checks.parse(row.checks),
  }));
}

const Checks = z.array(ServerCheckResult);
