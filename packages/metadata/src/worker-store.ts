import type { PrismaClient } from "./generated/client.ts";

export interface WorkerRow {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  /** Where it may restore to; empty means anywhere. */
  readonly restoreRoots: readonly string[];
  /** How many servers it streams WAL from at most. */
  readonly walCapacity: number;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  readonly stoppedAt: Date | null;
  /** Seen within the last `aliveForMs` of the query and not stopped, by database time. */
  readonly alive: boolean;
}

export interface NewWorker {
  readonly id: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly restoreRoots: readonly string[];
  /** 0 when left out: it receives no WAL. */
  readonly walCapacity?: number;
}

export interface WorkerStore {
  register(worker: NewWorker): Promise<void>;
  /** False when it is unknown (rows were lost): register again. */
  heartbeat(id: string): Promise<boolean>;
  stop(id: string): Promise<void>;
  /** Newest first; those not seen for 30 days are left out. */
  list(options?: { readonly aliveForMs?: number }): Promise<readonly WorkerRow[]>;
}

/** Three missed heartbeats of ten seconds. */
const defaultAliveForMs = 30_000;

export function createWorkerStore(prisma: PrismaClient): WorkerStore {
  return {
    register: async ({ id, hostname, pid, version, restoreRoots, walCapacity = 0 }) => {
      const facts = { hostname, pid, version, restoreRoots: [...restoreRoots], walCapacity, stoppedAt: null };
      await prisma.worker.upsert({ where: { id }, create: { id, ...facts }, update: facts, select: { id: true } });
      await prisma.$executeRaw`UPDATE worker SET last_seen_at = clock_timestamp() WHERE id = ${id}`;
    },
    heartbeat: async (id) =>
      (await prisma.$executeRaw`UPDATE worker SET last_seen_at = clock_timestamp() WHERE id = ${id}`) === 1,
    stop: async (id) => {
      await prisma.$executeRaw`UPDATE worker SET stopped_at = clock_timestamp() WHERE id = ${id}`;
    },
    list: (options) =>
      prisma.$queryRaw<WorkerRow[]>`
        SELECT id, hostname, pid, version, restore_roots AS "restoreRoots", wal_capacity AS "walCapacity", started_at AS "startedAt",
               last_seen_at AS "lastSeenAt", stopped_at AS "stoppedAt",
               stopped_at IS NULL
                 AND last_seen_at > clock_timestamp() - ${options?.aliveForMs ?? defaultAliveForMs} * interval '1 millisecond'
                 AS alive
          FROM worker
         WHERE last_seen_at > clock_timestamp() - interval '30 days'
         ORDER BY started_at DESC, id DESC
         LIMIT 200`,
  };
}
