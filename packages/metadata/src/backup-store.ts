import type { ErrorDescription } from "@tidemark/kit";
import { backupColumns, backupData, newestBackupFirst, toBackup } from "./backup-columns.ts";
import { notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

/** `stored`: copied while its WAL is not yet whole; `restorable`: whole. */
export type BackupState = "running" | "stored" | "restorable" | "failed" | "interrupted" | "deleting" | "deleted";

/** The mirror of one backup; everything but marks and states of ours can be read from the repository again. */
export interface BackupRow extends BackupFactsRow {
  readonly id: string;
  readonly serverId: string;
  readonly repositoryId: string;
  readonly runId: string | null;
  readonly state: BackupState;
  readonly damageDetail: string | null;
  readonly label: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly verifiedAt: Date | null;
  readonly verification: VerificationRow | null;
  /** What is verified of it by now, also by verifications of others that share its packs; null: not looked for yet. */
  readonly coverage: CoverageRow | null;
  readonly provenAt: Date | null;
  readonly proof: ProofRow | null;
  readonly hold: { readonly by: string; readonly at: Date; readonly reason: string } | null;
  readonly note: string | null;
  readonly retentionReasons: readonly string[];
  readonly deletedAt: Date | null;
  readonly deletedReason: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly mirroredAt: Date | null;
  readonly createdAt: Date;
}

/** What the manifest says; null while running. */
export interface BackupFactsRow {
  readonly startLsn: bigint | null;
  readonly stopLsn: bigint | null;
  readonly timeline: number | null;
  /** As the server prints it, for example `18.4`. */
  readonly serverVersion: string | null;
  readonly systemIdentifier: string | null;
  readonly checksumsEnabled: boolean | null;
  readonly fromStandby: boolean | null;
  readonly fileCount: number | null;
  /** What a restore writes. */
  readonly sizeBytes: bigint | null;
  readonly readBytes: bigint | null;
  readonly storedBytes: bigint | null;
  /** Shared with earlier backups: read again and found there, or carried (`carriedBytes`) without being read. */
  readonly referencedBytes: bigint | null;
  readonly carriedBytes: bigint | null;
  /** Stored for the first time, before compression. */
  readonly newBytes: bigint | null;
  readonly zeroBytes: bigint | null;
  /** As they came over the wire; null also where the files did not. */
  readonly sentBytes: bigint | null;
  readonly reading: ReadingRow | null;
  /** Null where rolling trust took no part. */
  readonly trust: TrustRow | null;
  /** Null: not looked for yet. */
  readonly places: readonly PlaceRow[] | null;
  /** First and last WAL segment it needs. */
  readonly walStart: string | null;
  readonly walEnd: string | null;
  readonly tablespaces: readonly { readonly oid: number; readonly path: string; readonly sizeBytes: string | null }[];
  readonly suspectPages: readonly { readonly path: string; readonly blocks: readonly number[] }[];
  readonly notes: readonly string[];
  /** Sizes as decimal strings. */
  readonly files: {
    readonly classes: readonly { readonly label: string; readonly count: number; readonly bytes: string }[];
    readonly largest: readonly { readonly path: string; readonly bytes: string }[];
  } | null;
}

/** How much of the server was read. Positions and sizes as decimal text. */
export type ReadingRow =
  | { readonly kind: "full"; readonly reason: string | null }
  | {
      readonly kind: "incremental";
      readonly fromBackupId: string;
      readonly fromLsn: string;
      readonly resentFiles: number;
      readonly resentBytes: string;
    };

export interface TrustRow {
  /** 0 to 27. */
  readonly round: number;
  readonly findings: readonly {
    readonly path: string;
    readonly blocks: readonly number[];
    readonly older: "stored" | "server" | "neither";
  }[];
}

/** What lies in the packs one backup wrote. */
export interface PlaceRow {
  /** Null: the heads of the packs could not be read. */
  readonly backupId: string | null;
  readonly packs: number;
  /** Plain bytes, as decimal text. */
  readonly bytes: string;
}

/** Shares from 0 to 1, and since when (RFC 3339): the oldest result that counts. */
export interface CoverageRow {
  readonly storedShare: number;
  readonly wholeShare: number;
  readonly storedSince: string | null;
  readonly wholeSince: string | null;
}

export interface VerificationRow {
  /** RFC 3339. */
  readonly at: string;
  readonly ok: boolean;
  readonly checkedBytes: string;
  readonly checkedFiles: number;
  readonly problems: readonly string[];
  /** What follows is absent in rows of an older Tidemark, whose verifications were whole. */
  readonly tier?: "metadata" | "stored" | "whole";
  readonly subset?: { readonly part: number; readonly of: number } | null;
  readonly healing?: readonly string[];
  /** What was verified of the backup by then. */
  readonly coverage?: CoverageRow | null;
}

export interface ProofRow {
  /** RFC 3339. */
  readonly at: string;
  readonly ok: boolean;
  readonly outcome: string;
  readonly rtoMs: number | null;
  readonly phases: readonly { readonly name: string; readonly durationMs: number }[];
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
  /** The drill; absent in rows of an older Tidemark. */
  readonly runId?: string | null;
}

export interface NewBackup {
  readonly id: string;
  readonly serverId: string;
  readonly repositoryId: string;
  readonly label?: string | null;
  /** The database's time when left out. */
  readonly startedAt?: Date;
}

/** Left out: unchanged. `error`, `hold`, `damageDetail`, `note`: null takes it away. */
export interface BackupChange extends Partial<BackupFactsRow> {
  readonly state?: BackupState;
  readonly damageDetail?: string | null;
  readonly label?: string | null;
  readonly startedAt?: Date;
  readonly finishedAt?: Date | null;
  readonly verifiedAt?: Date | null;
  readonly verification?: VerificationRow | null;
  readonly coverage?: CoverageRow | null;
  readonly provenAt?: Date | null;
  readonly proof?: ProofRow | null;
  readonly hold?: BackupRow["hold"];
  readonly note?: string | null;
  readonly retentionReasons?: readonly string[];
  readonly deletedAt?: Date | null;
  readonly deletedReason?: string | null;
  readonly error?: ErrorDescription | null;
}

export interface BackupFilter {
  readonly serverId?: string | undefined;
  readonly repositoryId?: string | undefined;
  /** All but deleted ones when left out. */
  readonly states?: readonly BackupState[] | undefined;
}

export interface BackupStore {
  /** In state running; `runs.create({ backup })` does it together with the run. */
  create(backup: NewBackup): Promise<BackupRow>;
  get(id: string): Promise<BackupRow | null>;
  getMany(ids: readonly string[]): Promise<readonly BackupRow[]>;
  /** Newest first by start. */
  list(filter: BackupFilter, page: PageRequest): Promise<Page<BackupRow>>;
  /** Every backup of a server that is not deleted, newest first: the mirror, and retention's candidates. */
  ofServer(serverId: string): Promise<readonly BackupRow[]>;
  /** Throws `not-found`. `onlyFrom` changes it only while in one of these states and gives null otherwise. */
  update(id: string, change: BackupChange, onlyFrom?: readonly BackupState[]): Promise<BackupRow | null>;
  /** Makes or brings up to date the row of a backup that is in the repository. Never revives a deleted one. */
  mirror(backup: NewBackup & { readonly change: BackupChange }): Promise<BackupRow>;
  /** Backups still marked running whose run is final or gone: what a dead worker left. */
  findOrphaned(): Promise<readonly BackupRow[]>;
  /** Of each server the newest restorable one. */
  latestRestorable(serverIds: readonly string[]): Promise<readonly BackupRow[]>;
  /** Of each server the oldest restorable one. */
  oldestRestorable(serverIds: readonly string[]): Promise<readonly BackupRow[]>;
  /** Of each server the one proven last. */
  lastProven(serverIds: readonly string[]): Promise<readonly BackupRow[]>;
  /** How many kept backups are known to be damaged, per server id; left out when none. */
  damagedCounts(serverIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** What each of a server's kept backups is verified to at least; left out: it has none. */
  leastCoverage(serverIds: readonly string[]): Promise<readonly (CoverageRow & { readonly serverId: string })[]>;
}

export function createBackupStore(prisma: PrismaClient): BackupStore {
  const get = async (id: string) => {
    const row = await prisma.backup.findUnique({ where: { id }, select: backupColumns });
    return row === null ? null : toBackup(row);
  };
  const find = async (where: Prisma.BackupWhereInput) =>
    (await prisma.backup.findMany({ where, orderBy: newestBackupFirst, select: backupColumns })).map(toBackup);
  const findOf = async (ids: Promise<{ id: string }[]>) => find({ id: { in: (await ids).map((row) => row.id) } });
  return {
    create: async (backup) => {
      await insertBackup(prisma, backup, null);
      return toBackup(await prisma.backup.findUniqueOrThrow({ where: { id: backup.id }, select: backupColumns }));
    },
    get,
    getMany: (ids) => find({ id: { in: [...ids] } }),
    list: (filter, page) => {
      const where = toWhere(filter);
      return readPage(
        page,
        {
          count: () => prisma.backup.count({ where }),
          find: (window) =>
            prisma.backup.findMany({ where, ...window, orderBy: newestBackupFirst, select: backupColumns }),
        },
        toBackup,
      );
    },
    ofServer: (serverId) => find({ serverId, state: { not: "deleted" } }),
    update: async (id, change, onlyFrom) => {
      const { count } = await prisma.backup.updateMany({
        where: { id, ...(onlyFrom === undefined ? {} : { state: { in: [...onlyFrom] } }) },
        data: backupData(change),
      });
      const row = await get(id);
      if (row === null) throw notFound("backup", id);
      return count === 1 ? row : null;
    },
    mirror: async ({ change, ...backup }) => {
      await prisma.$transaction(async (tx) => {
        await insertBackup(tx, backup, null);
        await tx.backup.updateMany({ where: { id: backup.id, state: { not: "deleted" } }, data: backupData(change) });
        await tx.$executeRaw`UPDATE backup SET mirrored_at = clock_timestamp() WHERE id = ${backup.id}`;
      });
      return toBackup(await prisma.backup.findUniqueOrThrow({ where: { id: backup.id }, select: backupColumns }));
    },
    findOrphaned: () =>
      find({ state: "running", OR: [{ run: { is: null } }, { run: { is: { finishedAt: { not: null } } } }] }),
    latestRestorable: (serverIds) =>
      findOf(prisma.$queryRaw`
        SELECT DISTINCT ON (server_id) id FROM backup
         WHERE server_id = ANY(${serverIds}::text[]) AND state = 'restorable'
         ORDER BY server_id, started_at DESC, id DESC`),
    oldestRestorable: (serverIds) =>
      findOf(prisma.$queryRaw`
        SELECT DISTINCT ON (server_id) id FROM backup
         WHERE server_id = ANY(${serverIds}::text[]) AND state = 'restorable'
         ORDER BY server_id, started_at, id`),
    lastProven: (serverIds) =>
      findOf(prisma.$queryRaw`
        SELECT DISTINCT ON (server_id) id FROM backup
         WHERE server_id = ANY(${serverIds}::text[]) AND proven_at IS NOT NULL
         ORDER BY server_id, proven_at DESC, id DESC`),
    damagedCounts: async (serverIds) => {
      const groups = await prisma.backup.groupBy({
        by: ["serverId"],
        where: {
          serverId: { in: [...serverIds] },
          damageDetail: { not: null },
          state: { in: ["stored", "restorable"] },
        },
        _count: { _all: true },
      });
      return new Map(groups.map((group) => [group.serverId, group._count._all]));
    },
    leastCoverage: (serverIds) =>
      // Times are RFC 3339 in UTC: the least text is the oldest. Of a share of nothing there is no time.
      prisma.$queryRaw`
        SELECT server_id AS "serverId",
               min(COALESCE((coverage->>'storedShare')::float8, 0)) AS "storedShare",
               min(COALESCE((coverage->>'wholeShare')::float8, 0)) AS "wholeShare",
               CASE WHEN bool_and((coverage->>'storedShare')::float8 > 0 IS TRUE) THEN min(coverage->>'storedSince') END
                 AS "storedSince",
               CASE WHEN bool_and((coverage->>'wholeShare')::float8 > 0 IS TRUE) THEN min(coverage->>'wholeSince') END
                 AS "wholeSince"
          FROM backup
         WHERE server_id = ANY(${serverIds}::text[]) AND state IN ('stored', 'restorable')
         GROUP BY server_id`,
  };
}

/** Makes the row in state running; one that is there stays as it is. */
export async function insertBackup(
  tx: Prisma.TransactionClient,
  backup: NewBackup,
  runId: string | null,
): Promise<void> {
  const { id, serverId, repositoryId, label, startedAt } = backup;
  await tx.$executeRaw`
    INSERT INTO backup (id, server_id, repository_id, run_id, state, label, started_at)
    VALUES (${id}, ${serverId}, ${repositoryId}, ${runId}, 'running', ${label ?? null},
            COALESCE(${startedAt ?? null}::timestamptz, clock_timestamp()))
    ON CONFLICT (id) DO NOTHING`;
}

function toWhere(filter: BackupFilter): Prisma.BackupWhereInput {
  return {
    ...(filter.serverId === undefined ? {} : { serverId: filter.serverId }),
    ...(filter.repositoryId === undefined ? {} : { repositoryId: filter.repositoryId }),
    state: filter.states === undefined ? { not: "deleted" } : { in: [...filter.states] },
  };
}
