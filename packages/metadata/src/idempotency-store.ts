import { AppError } from "@tidemark/kit";
import { Prisma, type PrismaClient } from "./generated/client.ts";
import { type Json, plainJson } from "./json.ts";

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

export function createIdempotencyStore(prisma: PrismaClient): IdempotencyStore {
  return {
    begin: (key) => prisma.$transaction((tx) => claimKey(tx, key)),
    complete: async ({ principal, key }, response) => {
      await prisma.idempotencyKey.updateMany({ where: { principal, key }, data: { response: plainJson(response) } });
    },
    abandon: async ({ principal, key }) => {
      await prisma.idempotencyKey.deleteMany({ where: { principal, key, response: { equals: Prisma.DbNull } } });
    },
    prune: () =>
      prisma.$executeRaw`DELETE FROM idempotency_key WHERE created_at < clock_timestamp() - interval '1 day'`,
  };
}

export type KeyClaim = Awaited<ReturnType<IdempotencyStore["begin"]>>;

/**
 * Takes the key inside a transaction. The insert waits for another transaction that inserts the same key, so that of
 * two at once one gets `new` and the other, afterwards, the first one's answer.
 */
export async function claimKey(tx: Prisma.TransactionClient, request: RequestKey): Promise<KeyClaim> {
  const { principal, key, requestHash } = request;
  // A key without an answer for two minutes: whoever held it is dead. It starts anew, whatever it was for.
  await tx.$executeRaw`
    DELETE FROM idempotency_key
     WHERE principal = ${principal} AND key = ${key} AND response IS NULL
       AND created_at < clock_timestamp() - interval '2 minutes'`;
  const inserted = await tx.$executeRaw`
    INSERT INTO idempotency_key (principal, key, request_hash) VALUES (${principal}, ${key}, ${requestHash})
    ON CONFLICT DO NOTHING`;
  if (inserted === 1) return { kind: "new" };
  const row = await tx.idempotencyKey.findUniqueOrThrow({
    where: { principal_key: { principal, key } },
    select: { requestHash: true, response: true },
  });
  if (row.requestHash !== requestHash) {
    throw new AppError("idempotency-key-reused", {
      message: `the idempotency key "${key}" was used for another request already`,
      hint: "use a new key for a new request; nothing was done",
    });
  }
  if (row.response === null) {
    throw new AppError("request-in-flight", {
      message: `the request with the idempotency key "${key}" is still being answered`,
      hint: "ask again in a moment with the same key",
    });
  }
  return { kind: "replay", response: row.response as Json };
}
