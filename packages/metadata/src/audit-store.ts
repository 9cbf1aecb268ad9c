import type { Json } from "./json.ts";
import type { Page, PageRequest } from "./page.ts";

export interface NewAuditEvent {
  /** `user:<name>`, `token:<prefix>`, `worker:<id>` or `tidemark`. */
  readonly actor: string;
  /** The mutation or act: `takeBackup`, `login`, … */
  readonly action: string;
  readonly targetKind: string | null;
  readonly targetId: string | null;
  /** Never a secret. */
  readonly detail?: Json;
  /** `ok`, or the error's code. */
  readonly outcome: string;
}

export interface AuditEventRow extends NewAuditEvent {
  readonly id: string;
  /** 1, 2, 3 … without gaps. */
  readonly seq: bigint;
  readonly at: Date;
  readonly detail: Json;
  readonly previousHash: string;
  readonly hash: string;
}

export interface AuditStore {
  append(event: NewAuditEvent): Promise<AuditEventRow>;
  get(id: string): Promise<AuditEventRow | null>;
  /** Newest first. */
  list(page: PageRequest): Promise<Page<AuditEventRow>>;
  /** Recomputes the chain; names the first row that does not fit, or null. */
  verify(): Promise<{ readonly count: number; readonly brokenAtSeq: bigint | null }>;
}
