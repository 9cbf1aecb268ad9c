import { type ActControl, executeWalExpiry, planWalExpiry, type WalExpiryReport } from "@tidemark/engine";
import type { Server, WalSegmentKey } from "@tidemark/metadata";
import type { RetentionPolicy } from "@tidemark/policy";
import type { ServerArea } from "@tidemark/repository";
import type { WorkerDeps } from "../worker-deps.ts";

/**
 * Removes the WAL that no kept backup needs from one of the server's repositories: after its backups went, since a backup
 * without its WAL is worse than WAL without its backup. Rows follow what was removed; what dies in between is mirrored later.
 */
export async function retainWal(
  deps: Pick<WorkerDeps, "metadata" | "clock">,
  about: { readonly server: Server; readonly repositoryId: string; readonly area: ServerArea },
  policy: RetentionPolicy,
  control: ActControl,
): Promise<WalExpiryReport> {
  const { server, repositoryId, area } = about;
  const expiry = { area, clock: deps.clock };
  const plan = await planWalExpiry(expiry, policy, control.signal);
  const report = await executeWalExpiry(expiry, plan, control);
  if (report.postponed !== null) {
    const message = `no WAL was removed: ${report.postponed}; the next retention does it`;
    control.emit({ kind: "log", level: "info", message });
  }
  const keys = report.removedSegments.map(
    ({ systemIdentifier, timeline, startLsn }): WalSegmentKey => ({
      serverId: server.id,
      repositoryId,
      systemIdentifier: String(systemIdentifier),
      timeline,
      startLsn,
    }),
  );
  for (let index = 0; index < keys.length; index += keysAtOnce) {
    await deps.metadata.wal.forgetSegments(keys.slice(index, index + keysAtOnce));
  }
  return report;
}

const keysAtOnce = 1_000;
