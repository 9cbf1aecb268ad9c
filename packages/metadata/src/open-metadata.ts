import { PrismaPg } from "@prisma/adapter-pg";
import type { Logger } from "@tidemark/kit";
import pg from "pg";
import { type AuditStore, createAuditStore } from "./audit-store.ts";
import { type BackupStore, createBackupStore } from "./backup-store.ts";
import { type CloneStore, createCloneStore } from "./clone-store.ts";
import { type CopyStore, createCopyStore } from "./copy-store.ts";
import { metadataUnreachable } from "./database-error.ts";
import { createFindingStore, type FindingStore } from "./finding-store.ts";
import { PrismaClient } from "./generated/client.ts";
import { guardedStore } from "./guarded-store.ts";
import { createIdempotencyStore, type IdempotencyStore } from "./idempotency-store.ts";
import { createInstanceStore, type InstanceStore } from "./instance-store.ts";
import { createLeaseStore, type LeaseStore } from "./lease-store.ts";
import { createOfflineStore, type OfflineStore } from "./offline-store.ts";
import { createPolicyStore, type PolicyStore } from "./policy-store.ts";
import { createRepositoryStore, type RepositoryStore } from "./repository-store.ts";
import { createRunStore, type RunStore } from "./run-store.ts";
import { createRunWatch } from "./run-watch.ts";
import { createScheduleStore, type ScheduleStore } from "./schedule-store.ts";
import { createServerStore, type ServerStore } from "./server-store.ts";
import { createTokenStore, type TokenStore } from "./token-store.ts";
import { createUserStore, type UserStore } from "./user-store.ts";
import { createWalClaimStore, type WalClaimStore } from "./wal-claim-store.ts";
import { createWalReceiverStore, type WalReceiverStore } from "./wal-receiver-store.ts";
import { createWalStore, type WalStore } from "./wal-store.ts";
import { createWorkerStore, type WorkerStore } from "./worker-store.ts";

export interface MetadataOptions {
  readonly url: string;
  readonly logger: Logger;
  /** Connections of the pool; 10 when left out. */
  readonly poolSize?: number;
}

/** The metadata database, open. `migrate` must have run; every process may hold one. */
export interface Metadata {
  readonly runs: RunStore;
  readonly leases: LeaseStore;
  readonly servers: ServerStore;
  readonly offline: OfflineStore;
  readonly repositories: RepositoryStore;
  readonly policies: PolicyStore;
  readonly schedules: ScheduleStore;
  readonly backups: BackupStore;
  readonly copies: CopyStore;
  readonly wal: WalStore;
  readonly walReceivers: WalReceiverStore;
  readonly walClaims: WalClaimStore;
  readonly clones: CloneStore;
  readonly findings: FindingStore;
  readonly audit: AuditStore;
  readonly tokens: TokenStore;
  readonly workers: WorkerStore;
  readonly idempotency: IdempotencyStore;
  readonly instance: InstanceStore;
  readonly users: UserStore;
  /** For better-auth's Prisma adapter alone; everything else goes through the stores. */
  readonly authClient: PrismaClient;
  /**
   * Yields at once, then whenever something about the run may have changed, and at least every few seconds; ends when
   * `signal` aborts. Read `eventsAfter` on each. Any number of watchers share one database connection.
   */
  watchRun(runId: string, signal: AbortSignal): AsyncIterable<void>;
  /** Throws `metadata-unreachable`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the database. Nothing is connected until something is asked; call `ping` to know. */
export function openMetadata(options: MetadataOptions): Metadata {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize ?? 10,
    connectionTimeoutMillis: 10_000,
    application_name: "tidemark",
    keepAlive: true,
  });
  // A connection that breaks while idle is replaced by the pool; without a listener the event would end the process.
  pool.on("error", (error) => options.logger.warn({ err: error }, "an idle metadata connection was lost"));
  // The same for one that is in use: who has it learns of it from the query that fails.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  const watch = createRunWatch({ url: options.url, logger: options.logger });
  return {
    runs: guardedStore(createRunStore(prisma)),
    leases: guardedStore(createLeaseStore(prisma)),
    servers: guardedStore(createServerStore(prisma)),
    offline: guardedStore(createOfflineStore(prisma)),
    repositories: guardedStore(createRepositoryStore(prisma)),
    policies: guardedStore(createPolicyStore(prisma)),
    schedules: guardedStore(createScheduleStore(prisma)),
    backups: guardedStore(createBackupStore(prisma)),
    copies: guardedStore(createCopyStore(prisma)),
    wal: guardedStore(createWalStore(prisma)),
    walReceivers: guardedStore(createWalReceiverStore(prisma)),
    walClaims: guardedStore(createWalClaimStore(prisma)),
    clones: guardedStore(createCloneStore(prisma)),
    findings: guardedStore(createFindingStore(prisma)),
    audit: guardedStore(createAuditStore(prisma)),
    tokens: guardedStore(createTokenStore(prisma)),
    workers: guardedStore(createWorkerStore(prisma)),
    idempotency: guardedStore(createIdempotencyStore(prisma)),
    instance: guardedStore(createInstanceStore(prisma)),
    users: guardedStore(createUserStore(prisma)),
    authClient: prisma,
    watchRun: (runId, signal) => watch.watch(runId, signal),
    ping: async () => {
      try {
        await pool.query("SELECT 1");
      } catch (error) {
        throw metadataUnreachable(error);
      }
    },
    close: async () => {
      await watch.close();
      await prisma.$disconnect();
      await pool.end();
    },
  };
}
