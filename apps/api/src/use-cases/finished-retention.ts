import type { RetentionResult } from "@tidemark/jobs";
import { formatBytes } from "@tidemark/kit";
import type { Run } from "@tidemark/metadata";
import type { Services } from "../services.ts";
import { isInRepository, type RetentionPreview } from "./retention-plan.ts";

/** What a retention run did, in the shape of the plan it came from. */
export async function finishedRetention(
  services: Services,
  run: Run,
  result: RetentionResult,
): Promise<RetentionPreview> {
  const { backups } = services.metadata;
  const [deleted, present] = await Promise.all([
    backups.getMany(result.deleted),
    run.serverId === null ? [] : backups.ofServer(run.serverId),
  ]);
  const kept = present.filter((row) => isInRepository(row) && row.startedAt < run.createdAt);
  const { planHash } = (run.request ?? {}) as { planHash?: unknown };
  return {
    planHash: typeof planHash === "string" ? planHash : "",
    kept: kept.map((backup) => ({ backup, reasons: backup.retentionReasons })),
    deleted: deleted.map((backup) => ({
      backup,
      reasons: backup.deletedReason === null ? [] : [backup.deletedReason],
    })),
    freedBytesAtLeast: BigInt(result.freedBytes),
    sentence: `${result.deleted.length} deleted and ${result.kept} kept, ${formatBytes(BigInt(result.freedBytes))} freed`,
    // What was deleted there is in the run's log.
    wal: null,
    copies: null,
  };
}
