import { AppError } from "@tidemark/kit";
import type { PrismaClient } from "./generated/client.ts";

/** A right that its holder has until `expiresAt` by the database's clock. A later holder has a higher fence. */
export interface HeldLease {
  readonly key: string;
  readonly fence: bigint;
  readonly expiresAt: Date;
}

export interface LeaseHolder {
  readonly key: string;
  readonly workerId: string;
  readonly runId: string | null;
  /** Kind of the run it is held for, for "waiting for backup run run_…". */
  readonly runKind: string | null;
  readonly fence: bigint;
  readonly acquiredAt: Date;
  readonly expiresAt: Date;
}

export interface LeaseRequest {
  readonly key: string;
  readonly workerId: string;
  readonly runId: string | null;
  readonly ttlMs: number;
}

/** Exclusive rights across workers, by database time only. Keys are free text (`server:<id>`, `repository:<id>:collect`). */
export interface LeaseStore {
  /** Null while somebody else (or another run of the same worker) holds it; an expired one is taken over with a higher fence. */
  acquire(request: LeaseRequest): Promise<HeldLease | null>;
  /** Throws `lease-lost` when it expired and was taken over, or was released. Extends an expired one that nobody took. */
  renew(lease: Pick<HeldLease, "key" | "fence">, ttlMs: number): Promise<HeldLease>;
  /** False when it was no longer ours. The fence stays, so that the next holder's is higher. */
  release(lease: Pick<HeldLease, "key" | "fence">): Promise<boolean>;
  /** Who holds it now, or null when free or expired. */
  holder(key: string): Promise<LeaseHolder | null>;
  /** Frees whatever a run held, when its worker is known to be dead. Gives how many. */
  releaseOfRun(runId: string): Promise<number>;
}

/** Every statement reads the clock of the database itself (`clock_timestamp()`), never that of a worker. */
export function createLeaseStore(prisma: PrismaClient): LeaseStore {
  return {
    acquire: async ({ key, workerId, runId, ttlMs }) => {
      const [held] = await prisma.$queryRaw<HeldLease[]>`
        INSERT INTO lease (key, holder, run_id, fence, acquired_at, expires_at)
        VALUES (${key}, ${workerId}, ${runId}, 1, clock_timestamp(),
                clock_timestamp() + ${ttlMs} * interval '1 millisecond')
        ON CONFLICT (key) DO UPDATE
           SET holder = excluded.holder, run_id = excluded.run_id, fence = lease.fence + 1,
               acquired_at = clock_timestamp(), expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
         WHERE lease.holder IS NULL OR lease.expires_at <= clock_timestamp()
        RETURNING key, fence, expires_at AS "expiresAt"`;
      return held ?? null;
    },
    renew: async ({ key, fence }, ttlMs) => {
      const [held] = await prisma.$queryRaw<HeldLease[]>`
        UPDATE lease SET expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
         WHERE key = ${key} AND fence = ${fence} AND holder IS NOT NULL
        RETURNING key, fence, expires_at AS "expiresAt"`;
      if (held !== undefined) return held;
      throw new AppError("lease-lost", {
        message: `the lease on ${key} was lost: it expired and was taken over, or was released`,
        hint: "the run ends without touching anything further; another worker has taken over",
        context: { key, fence },
      });
    },
    release: async ({ key, fence }) => {
      const freed = await prisma.$executeRaw`
        UPDATE lease SET holder = NULL, run_id = NULL, expires_at = clock_timestamp()
         WHERE key = ${key} AND fence = ${fence} AND holder IS NOT NULL`;
      return freed === 1;
    },
    holder: async (key) => {
      const [row] = await prisma.$queryRaw<LeaseHolder[]>`
        SELECT lease.key, lease.holder AS "workerId", lease.run_id AS "runId", run.kind AS "runKind", lease.fence,
               lease.acquired_at AS "acquiredAt", lease.expires_at AS "expiresAt"
          FROM lease LEFT JOIN run ON run.id = lease.run_id
         WHERE lease.key = ${key} AND lease.holder IS NOT NULL AND lease.expires_at > clock_timestamp()`;
      return row ?? null;
    },
    releaseOfRun: (runId) =>
      prisma.$executeRaw`
        UPDATE lease SET holder = NULL, run_id = NULL, expires_at = clock_timestamp() WHERE run_id = ${runId}`,
  };
}
