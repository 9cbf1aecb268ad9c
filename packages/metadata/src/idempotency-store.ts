import type { Json } from "./json.ts";

/** A caller's key for one request, and the hash of what was asked. */
export interface RequestKey {
  /** Who asks; keys of different principals do not meet. */
  readonly principal: string;
  readonly key: string;
  /** SHA-256 of operation and input, hex (`hashRequest`). */
  readonly requestHash: string;
}

export interface IdempotencyStore {
  /**
   * `new`: go on, then `complete` (or `abandon` when nothing happened); `replay`: answer with `response`.
   * Throws `idempotency-key-reused` for another request under the key, `request-in-flight` while the first is running
   * (at most two minutes: then its process is taken for dead and the key is given again).
   */
  begin(key: RequestKey): Promise<{ readonly kind: "new" } | { readonly kind: "replay"; readonly response: Json }>;
  complete(key: RequestKey, response: Json): Promise<void>;
  abandon(key: RequestKey): Promise<void>;
  /** Forgets keys older than a day. Gives how many. */
  prune(): Promise<number>;
}
