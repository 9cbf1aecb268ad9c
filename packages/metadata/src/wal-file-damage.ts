import type { PrismaClient } from "./generated/client.ts";

/** Names archived WAL that is no whole segment: one in the making (`….partial`), a history, an archiver's file. */
export interface WalFileKey {
  readonly serverId: string;
  readonly repositoryId: string;
  /** Decimal text of the u64. */
  readonly systemIdentifier: string;
  readonly name: string;
}

/** One that a verification found damaged, and none found sound since. */
export interface WalFileDamageRow extends WalFileKey {
  readonly damage: string;
}

export interface WalFileDamageStore {
  /** What a verification found: what is wrong, or null. */
  recordFileVerdict(key: WalFileKey, damage: string | null): Promise<void>;
  /** Oldest first within each server. */
  damagedFiles(serverIds: readonly string[]): Promise<readonly WalFileDamageRow[]>;
}

export function createWalFileDamageStore(prisma: PrismaClient): WalFileDamageStore {
  return {
    recordFileVerdict: async ({ serverId, repositoryId, systemIdentifier, name }, damage) => {
      if (damage === null) {
        await prisma.walFileDamage.deleteMany({ where: { serverId, repositoryId, systemIdentifier, name } });
        return;
      }
      // Of a server or repository that was removed meanwhile nothing is kept.
      await prisma.$executeRaw`
        INSERT INTO wal_file_damage (server_id, repository_id, system_identifier, name, damage)
        SELECT s.id, r.id, ${systemIdentifier}, ${name}, ${damage}
          FROM server AS s, repository AS r WHERE s.id = ${serverId} AND r.id = ${repositoryId}
        ON CONFLICT (server_id, repository_id, system_identifier, name) DO UPDATE SET damage = excluded.damage`;
    },
    damagedFiles: (serverIds) =>
      prisma.walFileDamage.findMany({
        where: { serverId: { in: [...serverIds] } },
        orderBy: [{ serverId: "asc" }, { foundAt: "asc" }, { name: "asc" }],
        select: { serverId: true, repositoryId: true, systemIdentifier: true, name: true, damage: true },
      }),
  };
}
