import { newId } from "@tidemark/kit";
import { isUniqueViolation, nameTaken, notFound } from "./database-error.ts";
import { Prisma, type PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

/** A key slot as a worker last saw it; nothing in it opens anything. Times as ISO 8601. */
export interface KeySlotRow {
  readonly slot: string;
  readonly kind: "key-file" | "passphrase" | "age";
  /** The same for all slots of one key. */
  readonly ownerId: string;
  readonly label: string | null;
  readonly recipient: string | null;
  /** The server whose WAL is all that it opens; null, or missing in rows of before: it opens everything. */
  readonly walOf?: string | null;
  readonly keyId: string;
  readonly keyCreatedAt: string;
  readonly createdAt: string;
  /** It holds the data key of new objects. */
  readonly current: boolean;
  /** It is a slot of the key that the workers have. */
  readonly opened: boolean;
}

export type RepositoryState = "attaching" | "ready" | "unreachable" | "read-only" | "full" | "failed";

/** A repository as everybody may see it; the sealed key is only given by `credentials`. */
export interface RepositoryRow {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  /** The id in the repository's own tidemark.json; null until attached. */
  readonly formatId: string | null;
  readonly formatVersion: number | null;
  readonly encrypted: boolean;
  readonly hasKey: boolean;
  /** How frames of new backups are compressed, as the repository package reads it. */
  readonly compression: string;
  /** Oldest first; null: not encrypted, or not seen yet. */
  readonly keySlots: readonly KeySlotRow[] | null;
  readonly state: RepositoryState;
  readonly stateDetail: string | null;
  readonly freeBytes: bigint | null;
  readonly totalBytes: bigint | null;
  readonly storedBytes: bigint | null;
  /** Whether its store itself refuses a second object under a key; null: not tried yet. */
  readonly exclusiveCreate: boolean | null;
  readonly recoveryKitSavedAt: Date | null;
  /** When a worker last looked. */
  readonly checkedAt: Date | null;
  readonly createdAt: Date;
}

export interface NewRepository {
  readonly id?: string;
  readonly name: string;
  readonly url: string;
  readonly encrypted: boolean;
  /** What opens the store, sealed for the workers; null or left out: nothing of its own. */
  readonly sealedStoreCredentials?: string | null;
}

/** What only a worker can open: sealed texts beside the place they open. */
export interface RepositoryCredentials {
  readonly url: string;
  readonly sealedKey: string | null;
  readonly sealedStoreCredentials: string | null;
}

export interface RepositoryChange {
  readonly state?: RepositoryState;
  readonly stateDetail?: string | null;
  readonly formatId?: string;
  readonly formatVersion?: number;
  readonly encrypted?: boolean;
  readonly keySlots?: readonly KeySlotRow[];
  readonly sealedKey?: string | null;
  readonly sealedStoreCredentials?: string | null;
  readonly freeBytes?: bigint | null;
  readonly totalBytes?: bigint | null;
  readonly storedBytes?: bigint | null;
  readonly exclusiveCreate?: boolean;
}

export interface RepositoryStore {
  /** In state `attaching`. Throws `name-taken`. */
  create(repository: NewRepository): Promise<RepositoryRow>;
  /**
   * Gives one that was never attached another place and sets it `attaching`; a key made for it stays. Throws
   * `name-taken`, and `not-found` for one that is attached or being attached.
   */
  attachElsewhere(id: string, place: Omit<NewRepository, "id">): Promise<RepositoryRow>;
  get(id: string): Promise<RepositoryRow | null>;
  getMany(ids: readonly string[]): Promise<readonly RepositoryRow[]>;
  findByName(name: string): Promise<RepositoryRow | null>;
  /** Oldest first. */
  list(page: PageRequest): Promise<Page<RepositoryRow>>;
  /** Oldest first; the first ready one is the default for new servers. */
  all(): Promise<readonly RepositoryRow[]>;
  /** What a worker found; also sets `checkedAt`. Throws `not-found`. */
  update(id: string, change: RepositoryChange): Promise<RepositoryRow>;
  /** How frames are compressed from the next backup on. Throws `not-found`. */
  setCompression(id: string, compression: string): Promise<RepositoryRow>;
  /** What opens its store, sealed for the workers, from the next opening on; null: nothing of its own. Throws `not-found`. */
  setStoreCredentials(id: string, sealed: string | null): Promise<RepositoryRow>;
  /** The owner says the recovery kit is safe. Throws `not-found`. */
  confirmRecoveryKit(id: string): Promise<RepositoryRow>;
  /** The sealed texts (null when there are none); only a worker can open them. Throws `not-found`. */
  credentials(id: string): Promise<RepositoryCredentials>;
}

const repositoryColumns = {
  id: true,
  name: true,
  url: true,
  formatId: true,
  formatVersion: true,
  encrypted: true,
  sealedKey: true,
  compression: true,
  keySlots: true,
  state: true,
  stateDetail: true,
  freeBytes: true,
  totalBytes: true,
  storedBytes: true,
  exclusiveCreate: true,
  recoveryKitSavedAt: true,
  checkedAt: true,
  createdAt: true,
} satisfies Prisma.RepositorySelect;

const oldestFirst = [{ createdAt: "asc" }, { id: "asc" }] satisfies Prisma.RepositoryOrderByWithRelationInput[];

export function createRepositoryStore(prisma: PrismaClient): RepositoryStore {
  const changeOne = async (id: string, change: Prisma.Sql) => {
    await prisma.$executeRaw`UPDATE repository SET ${change} WHERE id = ${id}`;
    const row = await prisma.repository.findUnique({ where: { id }, select: repositoryColumns });
    if (row === null) throw notFound("repository", id);
    return toRow(row);
  };
  return {
    create: async ({ id, name, url, encrypted, sealedStoreCredentials = null }) => {
      try {
        const data = { id: id ?? newId("repository"), name, url, encrypted, sealedStoreCredentials };
        return toRow(await prisma.repository.create({ data, select: repositoryColumns }));
      } catch (error) {
        throw isUniqueViolation(error) ? nameTaken("repository", name, error) : error;
      }
    },
    attachElsewhere: async (id, { name, url, encrypted, sealedStoreCredentials = null }) => {
      try {
        const { count } = await prisma.repository.updateMany({
          where: { id, formatId: null, state: { not: "attaching" } },
          data: { name, url, encrypted, sealedStoreCredentials, state: "attaching", stateDetail: null },
        });
        if (count === 0) throw notFound("repository", id);
      } catch (error) {
        throw isUniqueViolation(error) ? nameTaken("repository", name, error) : error;
      }
      return toRow(await prisma.repository.findUniqueOrThrow({ where: { id }, select: repositoryColumns }));
    },
    get: async (id) => orNull(await prisma.repository.findUnique({ where: { id }, select: repositoryColumns })),
    getMany: async (ids) =>
      (await prisma.repository.findMany({ where: { id: { in: [...ids] } }, select: repositoryColumns })).map(toRow),
    findByName: async (name) =>
      orNull(await prisma.repository.findUnique({ where: { name }, select: repositoryColumns })),
    list: (page) =>
      readPage(
        page,
        {
          count: () => prisma.repository.count(),
          find: (window) => prisma.repository.findMany({ ...window, orderBy: oldestFirst, select: repositoryColumns }),
        },
        toRow,
      ),
    all: async () => (await prisma.repository.findMany({ orderBy: oldestFirst, select: repositoryColumns })).map(toRow),
    update: async (id, { keySlots, ...change }) => {
      const slots = keySlots === undefined ? {} : { keySlots: keySlots as unknown as Prisma.InputJsonValue };
      await prisma.repository.updateMany({ where: { id }, data: { ...change, ...slots } });
      return await changeOne(id, Prisma.sql`checked_at = clock_timestamp()`);
    },
    setCompression: (id, compression) => changeOne(id, Prisma.sql`compression = ${compression}`),
    setStoreCredentials: (id, sealed) => changeOne(id, Prisma.sql`sealed_store_credentials = ${sealed}`),
    confirmRecoveryKit: (id) =>
      changeOne(id, Prisma.sql`recovery_kit_saved_at = COALESCE(recovery_kit_saved_at, clock_timestamp())`),
    credentials: async (id) => {
      const select = { url: true, sealedKey: true, sealedStoreCredentials: true };
      const row = await prisma.repository.findUnique({ where: { id }, select });
      if (row === null) throw notFound("repository", id);
      return row;
    },
  };
}

type Columns = Prisma.RepositoryGetPayload<{ select: typeof repositoryColumns }>;

function toRow({ sealedKey, keySlots, ...columns }: Columns): RepositoryRow {
  return {
    ...columns,
    hasKey: sealedKey !== null,
    keySlots: keySlots as unknown as readonly KeySlotRow[] | null,
    state: columns.state as RepositoryState,
  };
}

function orNull(columns: Columns | null): RepositoryRow | null {
  return columns === null ? null : toRow(columns);
}
