import type { Page, PageRequest } from "./page.ts";

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
  readonly state: RepositoryState;
  readonly stateDetail: string | null;
  readonly freeBytes: bigint | null;
  readonly totalBytes: bigint | null;
  readonly storedBytes: bigint | null;
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
}

export interface RepositoryChange {
  readonly state?: RepositoryState;
  readonly stateDetail?: string | null;
  readonly formatId?: string;
  readonly formatVersion?: number;
  readonly encrypted?: boolean;
  readonly sealedKey?: string | null;
  readonly freeBytes?: bigint | null;
  readonly totalBytes?: bigint | null;
  readonly storedBytes?: bigint | null;
}

export interface RepositoryStore {
  /** In state `attaching`. Throws `name-taken`. */
  create(repository: NewRepository): Promise<RepositoryRow>;
  get(id: string): Promise<RepositoryRow | null>;
  getMany(ids: readonly string[]): Promise<readonly RepositoryRow[]>;
  findByName(name: string): Promise<RepositoryRow | null>;
  /** Oldest first. */
  list(page: PageRequest): Promise<Page<RepositoryRow>>;
  /** Oldest first; the first ready one is the default for new servers. */
  all(): Promise<readonly RepositoryRow[]>;
  /** What a worker found; also sets `checkedAt`. Throws `not-found`. */
  update(id: string, change: RepositoryChange): Promise<RepositoryRow>;
  /** The owner says the recovery kit is safe. Throws `not-found`. */
  confirmRecoveryKit(id: string): Promise<RepositoryRow>;
  /** The sealed key (null when there is none); only a worker can open it. Throws `not-found`. */
  credentials(id: string): Promise<{ readonly url: string; readonly sealedKey: string | null }>;
}
