import type { PrismaClient } from "./generated/client.ts";
import type { HeldLease } from "./lease-store.ts";

/** A server whose WAL is to be streamed: registered, with a connection, in mode `stream`, and not offline. */
export interface WalCandidate {
  readonly serverId: string;
  /** The worker that holds its lease now; null: nobody, or it has expired. */
  readonly workerId: string | null;
  /** Another number when the server's settings were changed: connection, slot, mode. */
  readonly version: number;
  /** Another text when what its repository is opened with was changed: keys, credentials, compression. */
  readonly repositorySettings: string;
}

/** A worker as dividing the servers needs it. */
export interface WalWorker {
  readonly workerId: string;
  readonly capacity: number;
  /** Servers whose lease it holds now. */
  readonly held: number;
}

export interface WalBoard {
  readonly candidates: readonly WalCandidate[];
  /** Those that live and stream at all, this one included. */
  readonly workers: readonly WalWorker[];
}

/** The lease under which a server's WAL is received. */
export function walLeaseKey(serverId: string): string {
  return `wal:${serverId}`;
}

export interface WalClaimStore {
  /** Who has what, for a decision what to claim or to give back; by the database's clock. */
  board(): Promise<WalBoard>;
  /** Extends all these leases in one statement; gives those that are still ours. Expired ones that nobody took are extended too. */
  renewAll(leases: readonly Pick<HeldLease, "key" | "fence">[], ttlMs: number): Promise<readonly HeldLease[]>;
}

export function createWalClaimStore(prisma: PrismaClient): WalClaimStore {
  return {
    board: async () => {
      const [candidates, workers] = await prisma.$transaction([
        prisma.$queryRaw<WalCandidate[]>`
          SELECT server.id AS "serverId",
                 CASE WHEN lease.expires_at > clock_timestamp() THEN lease.holder END AS "workerId",
                 server.version,
                 md5(concat_ws(' ', repository.compression, repository.sealed_key, repository.sealed_store_credentials,
                               repository.key_slots)) AS "repositorySettings"
            FROM server JOIN repository ON repository.id = server.repository_id
                 LEFT JOIN lease ON lease.key = 'wal:' || server.id
           WHERE server.removed_at IS NULL AND server.wal_mode = 'stream' AND server.connection <> ''
             AND NOT EXISTS (SELECT 1 FROM offline_period AS o WHERE o.server_id = server.id AND o.ended_at IS NULL)
           ORDER BY server.id`,
        // A worker that holds a lease is alive, whatever its last heartbeat says: it renews them oftener.
        prisma.$queryRaw<WalWorker[]>`
          SELECT worker.id AS "workerId", worker.wal_capacity AS capacity, held.held
            FROM worker
            CROSS JOIN LATERAL (SELECT count(*)::int AS held FROM lease
                                 WHERE lease.holder = worker.id AND lease.key LIKE 'wal:%'
                                   AND lease.expires_at > clock_timestamp()) AS held
           WHERE worker.stopped_at IS NULL AND worker.wal_capacity > 0
             AND (worker.last_seen_at > clock_timestamp() - ${aliveForMs} * interval '1 millisecond' OR held.held > 0)
           ORDER BY worker.id`,
      ]);
      return { candidates, workers };
    },
    renewAll: async (leases, ttlMs) => {
      if (leases.length === 0) return [];
      const held = JSON.stringify(leases.map(({ key, fence }) => ({ key, fence: String(fence) })));
      return await prisma.$queryRaw<HeldLease[]>`
        UPDATE lease SET expires_at = clock_timestamp() + ${ttlMs} * interval '1 millisecond'
          FROM jsonb_to_recordset(${held}::jsonb) AS mine(key text, fence bigint)
         WHERE lease.key = mine.key AND lease.fence = mine.fence AND lease.holder IS NOT NULL
        RETURNING lease.key, lease.fence, lease.expires_at AS "expiresAt"`;
    },
  };
}

/** Three missed heartbeats of ten seconds. */
const aliveForMs = 30_000;
