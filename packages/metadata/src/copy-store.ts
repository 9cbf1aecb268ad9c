import type { PrismaClient } from "./generated/client.ts";

/** A backup in a second repository, as last seen there. */
export interface BackupCopyRow {
  readonly backupId: string;
  readonly repositoryId: string;
  readonly seenAt: Date;
  /** It was there and retention deleted it there on purpose; null otherwise. */
  readonly goneAt: Date | null;
}

export interface CopyStore {
  /**
   * What a look at the second repository showed: these of the server's backups are there. Of the others those just deleted
   * there on purpose are noted as such; what else was there and is not was lost, and counts as never copied.
   */
  record(look: {
    readonly serverId: string;
    readonly repositoryId: string;
    readonly presentIds: readonly string[];
    readonly droppedIds?: readonly string[];
  }): Promise<void>;
  /** Of these servers' backups, in whichever second repository they were seen. */
  ofServers(serverIds: readonly string[]): Promise<readonly (BackupCopyRow & { readonly serverId: string })[]>;
}

export function createCopyStore(prisma: PrismaClient): CopyStore {
  return {
    record: async ({ serverId, repositoryId, presentIds, droppedIds = [] }) => {
      const present = [...presentIds];
      const dropped = [...droppedIds];
      await prisma.$transaction([
        // A copy of a backup that has no row (yet) is passed over: the next look finds it with one.
        prisma.$executeRaw`
          INSERT INTO backup_copy (backup_id, repository_id)
          SELECT id, ${repositoryId} FROM backup WHERE server_id = ${serverId} AND id = ANY(${present}::text[])
          ON CONFLICT (backup_id, repository_id) DO UPDATE SET seen_at = clock_timestamp(), gone_at = NULL`,
        prisma.$executeRaw`
          UPDATE backup_copy SET gone_at = clock_timestamp()
           WHERE repository_id = ${repositoryId} AND gone_at IS NULL AND NOT backup_id = ANY(${present}::text[])
             AND backup_id = ANY(${dropped}::text[])
             AND backup_id IN (SELECT id FROM backup WHERE server_id = ${serverId})`,
        prisma.$executeRaw`
          DELETE FROM backup_copy
           WHERE repository_id = ${repositoryId} AND gone_at IS NULL AND NOT backup_id = ANY(${present}::text[])
             AND backup_id IN (SELECT id FROM backup WHERE server_id = ${serverId})`,
      ]);
    },
    ofServers: async (serverIds) => {
      const rows = await prisma.backupCopy.findMany({
        where: { backup: { serverId: { in: [...serverIds] } } },
        select: {
          backupId: true,
          repositoryId: true,
          seenAt: true,
          goneAt: true,
          backup: { select: { serverId: true } },
        },
        orderBy: { backupId: "asc" },
      });
      return rows.map(({ backup, ...row }) => ({ ...row, serverId: backup.serverId }));
    },
  };
}
