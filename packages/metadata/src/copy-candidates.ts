import type { BackupRow } from "./backup-store.ts";
import type { BackupCopyRow } from "./copy-store.ts";

/** What the policy's `copyLag` judges by: each backup that could be copied, and whether the second repository has it. */
export function copyCandidates(
  backups: readonly BackupRow[],
  copies: readonly BackupCopyRow[],
  copyToId: string,
): {
  readonly backupId: string;
  readonly stoppedAt: Date;
  readonly usable: boolean;
  readonly copied: boolean;
  readonly dropped: boolean;
}[] {
  const seen = new Map(copies.filter((row) => row.repositoryId === copyToId).map((row) => [row.backupId, row]));
  return backups.flatMap((backup) => {
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
}
