import { newId } from "@tidemark/kit";
import { isForeignKeyViolation, isUniqueViolation, nameTaken, notFound, versionConflict } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Json, toJsonColumn } from "./json.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";
import { insertPolicy, type NewPolicy } from "./policy-store.ts";
import type { NewSchedule } from "./schedule-store.ts";
import { findSnapshots, type NewLook, recordLook, type ServerSnapshotRow } from "./server-snapshot.ts";

/** How a server's backups are taken; what each means stands with the requests of packages/jobs. */
export type BackupMethod = "stream" | "read-files" | "local-files";

/** How a server's WAL comes to us: a receiver of ours streams it, its own archiver pushes it, or not at all. */
export type WalMode = "stream" | "push" | "none";

export interface ServerFilter {
  /** Where its backups go. */
  readonly repositoryId?: string | undefined;
  /** Where copies of its backups go. */
  readonly copyToId?: string | undefined;
}

/** A managed server as everybody may see it; the DSN is only given by `credentials`. */
export interface Server {
  readonly id: string;
  readonly name: string;
  /** The connection without its password. */
  readonly connection: string;
  /** Names its area in the repository. */
  readonly areaId: string;
  /** Decimal text of the u64. */
  readonly systemIdentifier: string | null;
  readonly serverVersion: string | null;
  readonly majorVersion: number | null;
  readonly inRecovery: boolean | null;
  readonly isDemo: boolean;
  readonly sizeBytes: bigint | null;
  readonly lastContactAt: Date | null;
  /** Of backups that ask for none: those of schedules, for example. */
  readonly backupMethod: BackupMethod;
  readonly walMode: WalMode;
  /** The physical slot our receiver streams from; null: `tidemark_` and the end of its id (`walSlotOf`). */
  readonly walSlot: string | null;
  /** Our receiver may be a synchronous standby: it reports each flush at once. */
  readonly synchronous: boolean;
  /** A system identifier a person allowed WAL to be received from although the server had another; decimal text. */
  readonly walSystemIdentifier: string | null;
  /** What its drills check, as packages/jobs writes it; null: the usual. */
  readonly drillSettings: Json;
  readonly repositoryId: string;
  /** The second repository its backups are copied to; null: none. */
  readonly copyToId: string | null;
  /** KiB in a second that copies there may take, of backups and of WAL each; null: the workers' setting. */
  readonly copyMaxRateKib: number | null;
  readonly policyId: string;
  readonly version: number;
  readonly createdAt: Date;
  readonly removedAt: Date | null;
}

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

/** Facts learnt while talking to it. */
export interface ServerContact {
  readonly systemIdentifier: string;
  readonly serverVersion: string;
  readonly majorVersion: number;
  readonly inRecovery: boolean;
  readonly sizeBytes: bigint | null;
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

const serverColumns = {
  id: true,
  name: true,
  connection: true,
  areaId: true,
  systemIdentifier: true,
  serverVersion: true,
  majorVersion: true,
  inRecovery: true,
  isDemo: true,
  sizeBytes: true,
  lastContactAt: true,
  backupMethod: true,
  walMode: true,
  walSlot: true,
  synchronous: true,
  walSystemIdentifier: true,
  drillSettings: true,
  repositoryId: true,
  copyToId: true,
  copyMaxRateKib: true,
  policyId: true,
  version: true,
  createdAt: true,
  removedAt: true,
} satisfies Prisma.ServerSelect;

/** The columns' CHECKs keep to the same words. */
function toServer(row: Prisma.ServerGetPayload<{ select: typeof serverColumns }>): Server {
  return {
    ...row,
    backupMethod: row.backupMethod as BackupMethod,
    walMode: row.walMode as WalMode,
    drillSettings: row.drillSettings as Json,
  };
}

const memberColumns = {
  id: true,
  serverId: true,
  name: true,
  connection: true,
  addedAt: true,
} satisfies Prisma.ServerMemberSelect;

async function registerServer(prisma: PrismaClient, server: NewServer): Promise<Server> {
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

/** The slot our receiver streams from, unless the server's row names another: short, and readable in the server's views. */
export function walSlotOf(server: Pick<Server, "id" | "walSlot">): string {
  return server.walSlot ?? `tidemark_${server.id.slice(-12)}`;
}
