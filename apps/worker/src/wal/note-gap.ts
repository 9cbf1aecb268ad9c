import type { WalGap } from "@tidemark/engine";
import { assertNever } from "@tidemark/kit";
import { type Server, type WalGapRow, walSlotOf } from "@tidemark/metadata";
import { newBackupRun } from "../schedule-run.ts";
import { startRun } from "../start-run.ts";
import type { WorkerDeps } from "../worker-deps.ts";

type GapDeps = Pick<WorkerDeps, "metadata" | "queues" | "logger">;

/**
 * Writes down WAL that will never be with us, and begins the backup from which on the server can be restored again: what is
 * received behind the gap is of no use without one. Told again it is the same gap and the same backup.
 */
export async function noteGap(deps: GapDeps, serverId: string, gap: WalGap): Promise<void> {
  const server = await deps.metadata.servers.get(serverId);
  if (server === null || server.removedAt !== null) return;
  const row = await deps.metadata.wal.recordGap({
    serverId,
    systemIdentifier: String(gap.systemIdentifier),
    timeline: gap.timeline,
    fromLsn: gap.fromLsn,
    toLsn: gap.toLsn,
    cause: causeSentence(server, gap),
  });
  deps.logger.error({ serverId, cause: row.cause }, "WAL was lost");
  if (row.runId === null) await beginBackupAfter(deps, server, row);
}

/** The same gap begins the same backup, however often it is told. */
export async function beginBackupAfter(deps: GapDeps, server: Server, row: Pick<WalGapRow, "id">): Promise<void> {
  const { run } = await startRun(deps, {
    ...newBackupRun(server, { requestedBy: "tidemark", drillAfter: false }),
    idempotency: { principal: "tidemark", key: `backup-after-gap ${row.id}`, requestHash: row.id },
  });
  await deps.metadata.wal.setGapRun(row.id, run.id);
}

/** Without a full stop, as a gap's cause is shown behind "because". */
function causeSentence(server: Server, { cause }: WalGap): string {
  const slot = `the slot "${walSlotOf(server)}"`;
  switch (cause) {
    case "slot-missing":
      return `${slot} was dropped, and the server removed WAL before it was made again`;
    case "slot-lost":
      return `${slot} fell behind max_slot_wal_keep_size or was invalidated, and the server gave up its WAL`;
    case "wal-removed":
      return `the server had removed WAL that ${slot} did not hold`;
    default:
      return assertNever(cause);
  }
}
