import type { Logger } from "@tidemark/kit";
import type { AuditStore } from "./audit-store.ts";
import type { BackupStore } from "./backup-store.ts";
import type { FindingStore } from "./finding-store.ts";
import type { PrismaClient } from "./generated/client.ts";
import type { IdempotencyStore } from "./idempotency-store.ts";
import type { InstanceStore } from "./instance-store.ts";
import type { LeaseStore } from "./lease-store.ts";
import type { PolicyStore } from "./policy-store.ts";
import type { RepositoryStore } from "./repository-store.ts";
import type { RunStore } from "./run-store.ts";
import type { ScheduleStore } from "./schedule-store.ts";
import type { ServerStore } from "./server-store.ts";
import type { TokenStore } from "./token-store.ts";
import type { UserStore } from "./user-store.ts";
import type { WorkerStore } from "./worker-store.ts";

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
  readonly repositories: RepositoryStore;
  readonly policies: PolicyStore;
  readonly schedules: ScheduleStore;
  readonly backups: BackupStore;
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
