import type { Page, PageRequest } from "./page.ts";

export type TokenAccess = "read-only" | "full";

export interface ApiTokenRow {
  readonly id: string;
  readonly name: string;
  readonly prefix: string;
  readonly access: TokenAccess;
  readonly createdBy: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

export interface NewApiToken {
  readonly name: string;
  readonly prefix: string;
  /** SHA-256 of the whole token, lower-case hex; the token itself is never stored. */
  readonly hash: string;
  readonly access: TokenAccess;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

export interface TokenStore {
  create(token: NewApiToken): Promise<ApiTokenRow>;
  get(id: string): Promise<ApiTokenRow | null>;
  /** Also revoked and expired ones, so that the caller can say which it is. */
  findByHash(hash: string): Promise<ApiTokenRow | null>;
  /** Newest first. */
  list(page: PageRequest): Promise<Page<ApiTokenRow>>;
  /** Keeps the first revocation's time. Throws `not-found`. */
  revoke(id: string): Promise<ApiTokenRow>;
  /** Notes its use, at most once a minute. */
  recordUse(id: string): Promise<void>;
}
