import { newId } from "@tidemark/kit";
import { isForeignKeyViolation, isUniqueViolation, nameTaken, notFound } from "./database-error.ts";
import type { PrismaClient } from "./generated/client.ts";
import { insertPolicy, type NewPolicy } from "./policy-store.ts";
import type { NewSchedule } from "./schedule-store.ts";
import {
  type BackupMethod,
  type Server,
  type ServerContact,
  serverColumns,
  toServer,
  type WalMode,
} from "./server-row.ts";

export interface NewServer {
  readonly id?: string;
  readonly name: string;
  readonly sealedDsn: string;
  readonly connection: string;
  /** Its own id when left out. */
  readonly areaId?: string;
  readonly repositoryId: string;
  readonly isDemo?: boolean;
  /** `stream` when left out. */
  readonly backupMethod?: BackupMethod;
  /** `none` when left out. */
  readonly walMode?: WalMode;
  readonly walSlot?: string | null;
  readonly synchronous?: boolean;
  readonly contact?: ServerContact;
  /** An existing policy, or one made for this server in the same transaction. */
  readonly policy: { readonly id: string } | { readonly create: NewPolicy };
  readonly schedules?: readonly Omit<NewSchedule, "serverId">[];
}

/** A server with its policy and schedules, or nothing of it. Throws as `ServerStore.register` says. */
export async function registerServer(prisma: PrismaClient, server: NewServer): Promise<Server> {
  const id = server.id ?? newId("server");
  const { name, sealedDsn, connection, repositoryId, policy } = server;
  try {
    await prisma.$transaction(async (tx) => {
      const policyId = "id" in policy ? policy.id : (await insertPolicy(tx, policy.create)).id;
      const areaId = server.areaId ?? id;
      const isDemo = server.isDemo ?? false;
      const { backupMethod = "stream", walMode = "none", walSlot = null, synchronous = false } = server;
      const facts = { ...server.contact, backupMethod, walMode, walSlot, synchronous };
      await tx.server.create({
        data: { id, name, sealedDsn, connection, areaId, repositoryId, policyId, isDemo, ...facts },
        select: { id: true },
      });
      await tx.schedule.createMany({
        data: (server.schedules ?? []).map((schedule) => ({
          id: newId("schedule"),
          serverId: id,
          kind: schedule.kind,
          cron: schedule.cron,
          zone: schedule.zone,
          enabled: schedule.enabled ?? true,
        })),
      });
      if (server.contact !== undefined) {
        await tx.$executeRaw`UPDATE server SET last_contact_at = clock_timestamp() WHERE id = ${id}`;
      }
    });
  } catch (error) {
    throw await explainRefusal(prisma, server, error);
  }
  return toServer(await prisma.server.findUniqueOrThrow({ where: { id }, select: serverColumns }));
}

/** A name or a reference: the database says only that one of them was wrong, so it is asked which. */
async function explainRefusal(prisma: PrismaClient, server: NewServer, error: unknown): Promise<unknown> {
  if (isUniqueViolation(error)) {
    const taken = await prisma.server.count({ where: { name: server.name, removedAt: null } });
    if (taken > 0 || "id" in server.policy) return nameTaken("server", server.name, error);
    return nameTaken("policy", server.policy.create.name, error);
  }
  if (isForeignKeyViolation(error)) {
    const repositories = await prisma.repository.count({ where: { id: server.repositoryId } });
    if (repositories === 0) return notFound("repository", server.repositoryId);
    if ("id" in server.policy) return notFound("policy", server.policy.id);
  }
  return error;
}
