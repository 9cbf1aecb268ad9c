import type { Page, PageRequest } from "./page.ts";
import type { NewPolicy } from "./policy-store.ts";
import type { NewSchedule } from "./schedule-store.ts";

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
  readonly repositoryId: string;
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
  list(filter: { readonly repositoryId?: string | undefined }, page: PageRequest): Promise<Page<Server>>;
  /** All that are registered, by name. */
  all(): Promise<readonly Server[]>;
  /** Throws `version-conflict` when `expectedVersion` is not the row's, `name-taken`, `not-found`. */
  update(id: string, change: ServerChange, expectedVersion?: number): Promise<Server>;
  /** Notes that it answered just now, with what it said; does not count as a change of settings. */
  recordContact(id: string, contact: ServerContact): Promise<void>;
  /** Takes it out of the lists and drops schedules and credentials. Backups, runs and the repository stay. False when it was removed before. */
  remove(id: string): Promise<boolean>;
  /** The sealed DSN; only a worker can open it. Throws `not-found`, also for a removed server. */
  credentials(
    id: string,
  ): Promise<{
    readonly sealedDsn: string;
    readonly members: readonly { readonly name: string; readonly sealedDsn: string }[];
  }>;
  /** Throws `name-taken`. */
  addMember(member: NewServerMember): Promise<ServerMember>;
  membersOf(serverIds: readonly string[]): Promise<readonly ServerMember[]>;
}
