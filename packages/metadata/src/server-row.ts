import type { Prisma } from "./generated/client.ts";
import type { Json } from "./json.ts";

/** How a server's backups are taken; what each means stands with the requests of packages/jobs. */
export type BackupMethod = "stream" | "read-files" | "local-files";

/** How a server's WAL comes to us: a receiver of ours streams it, its own archiver pushes it, or not at all. */
export type WalMode = "stream" | "push" | "none";

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

/** Facts learnt while talking to it. */
export interface ServerContact {
  readonly systemIdentifier: string;
  readonly serverVersion: string;
  readonly majorVersion: number;
  readonly inRecovery: boolean;
  readonly sizeBytes: bigint | null;
}

/** What of a row a `Server` is made of: all but what is sealed. */
export const serverColumns = {
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
export function toServer(row: Prisma.ServerGetPayload<{ select: typeof serverColumns }>): Server {
  return {
    ...row,
    backupMethod: row.backupMethod as BackupMethod,
    walMode: row.walMode as WalMode,
    drillSettings: row.drillSettings as Json,
  };
}

/** The slot our receiver streams from, unless the server's row names another: short, and readable in the server's views. */
export function walSlotOf(server: Pick<Server, "id" | "walSlot">): string {
  return server.walSlot ?? `tidemark_${server.id.slice(-12)}`;
}
