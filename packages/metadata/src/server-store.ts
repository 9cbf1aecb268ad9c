import { newId } from "@tidemark/kit";
import { isForeignKeyViolation, isUniqueViolation, nameTaken, notFound, versionConflict } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { toJsonColumn } from "./json.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import { type NewServer, registerServer } from "./register-server.ts";
import {
  type BackupMethod,
  type Server,
  type ServerContact,
  serverColumns,
  toServer,
  type WalMode,
} from "./server-row.ts";
import { findSnapshots, type NewLook, recordLook, type ServerSnapshotRow } from "./server-snapshot.ts";

export interface ServerFilter {
  /** Where its backups go. */
  readonly repositoryId?: string | undefined;
  /** Where copies of its backups go. */
  readonly copyToId?: string | undefined;
}

export interface ServerChange {
  readonly name?: string;
  readonly policyId?: string;
  readonly backupMethod?: BackupMethod;
  readonly copyToId?: string | null;
  readonly copyMaxRateKib?: number | null;
  readonly walMode?: WalMode;
  readonly walSlot?: string | null;
  readonly synchronous?: boolean;
  readonly walSystemIdentifier?: string | null;
  readonly drillSettings?: unknown;
  readonly dsn?: { readonly sealedDsn: string; readonly connection: string };
  readonly contact?: ServerContact;
}

export interface ServerMember {
  readonly id: string;
  readonly serverId: string;
  readonly name: string;
  readonly connection: string;
  readonly addedAt: Date;
}

export interface NewServerMember {
  readonly serverId: string;
  readonly name: string;
  readonly sealedDsn: string;
  readonly connection: string;
}

/** Lists leave removed servers out; `get` and `getMany` find them too, because old runs and backups point at them. */
export interface ServerStore {
  /** Throws `name-taken` (server or new policy) and `not-found` for an unknown repository or policy. */
  register(server: NewServer): Promise<Server>;
  get(id: string): Promise<Server | null>;
  getMany(ids: readonly string[]): Promise<readonly Server[]>;
  findByName(name: string): Promise<Server | null>;
  findBySystemIdentifier(systemIdentifier: string): Promise<readonly Server[]>;
  /** By name. */
  list(filter: ServerFilter, page: PageRequest): Promise<Page<Server>>;
  /** All that are registered, by name. */
  all(): Promise<readonly Server[]>;
  /** Throws `version-conflict` when `expectedVersion` is not the row's, `name-taken`, `not-found`. */
  update(id: string, change: ServerChange, expectedVersion?: number): Promise<Server>;
  /** Notes that it answered just now, with what it said; does not count as a change of settings. */
  recordContact(id: string, contact: ServerContact): Promise<void>;
  /** Takes it out of the lists and drops schedules and credentials. Backups, runs and the repository stay. False when it was removed before. */
  remove(id: string): Promise<boolean>;
  /** The sealed DSN; only a worker can open it. Throws `not-found`, also for a removed server. */
  credentials(id: string): Promise<{
    readonly sealedDsn: string;
    readonly members: readonly { readonly name: string; readonly sealedDsn: string }[];
  }>;
  /** Throws `name-taken`. */
  addMember(member: NewServerMember): Promise<ServerMember>;
  membersOf(serverIds: readonly string[]): Promise<readonly ServerMember[]>;
  /**
   * Keeps what a look at it brought, with its findings, but for what a look that began later has told already. False
   * for a server that was removed.
   */
  recordLook(serverId: string, look: NewLook): Promise<boolean>;
  /** Of those that were ever inspected. */
  snapshots(serverIds: readonly string[]): Promise<readonly ServerSnapshotRow[]>;
}

export function createServerStore(prisma: PrismaClient): ServerStore {
  const find = async (where: Prisma.ServerWhereInput) =>
    (await prisma.server.findMany({ where, orderBy: { name: "asc" }, select: serverColumns })).map(toServer);
  return {
    register: (server) => registerServer(prisma, server),
    get: async (id) => (await find({ id }))[0] ?? null,
    getMany: (ids) => find({ id: { in: [...ids] } }),
    findByName: async (name) => (await find({ name, removedAt: null }))[0] ?? null,
    findBySystemIdentifier: (systemIdentifier) => find({ systemIdentifier, removedAt: null }),
    list: (filter, page) => {
      const where = {
        removedAt: null,
        ...(filter.repositoryId === undefined ? {} : { repositoryId: filter.repositoryId }),
        ...(filter.copyToId === undefined ? {} : { copyToId: filter.copyToId }),
      };
      return readPage(
        page,
        {
          count: () => prisma.server.count({ where }),
          find: (window) =>
            prisma.server.findMany({ where, ...window, orderBy: { name: "asc" }, select: serverColumns }),
        },
        toServer,
      );
    },
    all: () => find({ removedAt: null }),
    update: (id, change, expectedVersion) => updateServer(prisma, id, change, expectedVersion),
    recordContact: async (id, contact) => {
      await prisma.$executeRaw`
        UPDATE server
           SET system_identifier = ${contact.systemIdentifier}, server_version = ${contact.serverVersion},
               major_version = ${contact.majorVersion}, in_recovery = ${contact.inRecovery},
               size_bytes = COALESCE(${contact.sizeBytes}::bigint, size_bytes), last_contact_at = clock_timestamp()
         WHERE id = ${id}`;
    },
    remove: (id) => removeServer(prisma, id),
    credentials: async (id) => {
      const row = await prisma.server.findFirst({
        where: { id, removedAt: null },
        select: { sealedDsn: true, members: { select: { name: true, sealedDsn: true }, orderBy: { addedAt: "asc" } } },
      });
      if (row === null) throw notFound("server", id);
      return row;
    },
    addMember: async (member) => {
      try {
        return await prisma.serverMember.create({ data: { id: newId("member"), ...member }, select: memberColumns });
      } catch (error) {
        if (isForeignKeyViolation(error)) throw notFound("server", member.serverId);
        throw isUniqueViolation(error) ? nameTaken("member", member.name, error) : error;
      }
    },
    membersOf: (serverIds) =>
      prisma.serverMember.findMany({
        where: { serverId: { in: [...serverIds] } },
        orderBy: [{ addedAt: "asc" }, { id: "asc" }],
        select: memberColumns,
      }),
    recordLook: (serverId, look) => recordLook(prisma, serverId, look),
    snapshots: (serverIds) => findSnapshots(prisma, serverIds),
  };
}

const memberColumns = {
  id: true,
  serverId: true,
  name: true,
  connection: true,
  addedAt: true,
} satisfies Prisma.ServerMemberSelect;

async function updateServer(
  prisma: PrismaClient,
  id: string,
  change: ServerChange,
  expectedVersion: number | undefined,
): Promise<Server> {
  const { copyToId, dsn, contact, drillSettings, name, policyId, ...plain } = change;
  try {
    const [row] = await prisma.server.updateManyAndReturn({
      where: { id, removedAt: null, ...(expectedVersion === undefined ? {} : { version: expectedVersion }) },
      data: {
        ...(name === undefined ? {} : { name }),
        ...(policyId === undefined ? {} : { policyId }),
        ...(copyToId === undefined ? {} : { copyToId }),
        ...(drillSettings === undefined ? {} : { drillSettings: toJsonColumn(drillSettings) }),
        ...plain,
        ...dsn,
        ...contact,
        version: { increment: 1 },
      },
      select: serverColumns,
    });
    if (row !== undefined) return toServer(row);
  } catch (error) {
    if (isForeignKeyViolation(error)) {
      throw copyToId == null ? notFound("policy", policyId ?? "") : notFound("repository", copyToId);
    }
    throw isUniqueViolation(error) ? nameTaken("server", name ?? "", error) : error;
  }
  const exists = await prisma.server.findFirst({ where: { id, removedAt: null }, select: { id: true } });
  throw exists === null ? notFound("server", id) : versionConflict("server", id);
}

/** Its credentials go at once, so that a removed server cannot be reached by mistake; its history stays. */
async function removeServer(prisma: PrismaClient, id: string): Promise<boolean> {
  return await prisma.$transaction(async (tx) => {
    const removed = await tx.$executeRaw`
      UPDATE server SET removed_at = clock_timestamp(), sealed_dsn = '', version = version + 1
       WHERE id = ${id} AND removed_at IS NULL`;
    if (removed === 0) return false;
    await tx.schedule.deleteMany({ where: { serverId: id } });
    await tx.serverMember.deleteMany({ where: { serverId: id } });
    await tx.serverSnapshot.deleteMany({ where: { serverId: id } });
    await tx.$executeRaw`
      UPDATE finding SET resolved_at = clock_timestamp() WHERE server_id = ${id} AND resolved_at IS NULL`;
    return true;
  });
}
