import type { Page, PageRequest } from "./page.ts";

export interface PolicyRow {
  readonly id: string;
  readonly name: string;
  readonly keepLast: number | null;
  readonly windowDays: number | null;
  readonly minimum: number;
  readonly version: number;
  readonly createdAt: Date;
}

export interface NewPolicy {
  readonly id?: string;
  readonly name: string;
  readonly keepLast: number | null;
  readonly windowDays: number | null;
  readonly minimum: number;
}

export interface PolicyStore {
  /** Throws `name-taken`. Check with policy's `checkRetentionPolicy` first. */
  create(policy: NewPolicy): Promise<PolicyRow>;
  get(id: string): Promise<PolicyRow | null>;
  getMany(ids: readonly string[]): Promise<readonly PolicyRow[]>;
  findByName(name: string): Promise<PolicyRow | null>;
  /** By name. */
  list(page: PageRequest): Promise<Page<PolicyRow>>;
  /** Throws `version-conflict`, `name-taken`, `not-found`. */
  update(id: string, change: Partial<Omit<NewPolicy, "id">>, expectedVersion?: number): Promise<PolicyRow>;
}
