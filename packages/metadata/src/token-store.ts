import { newId } from "@tidemark/kit";
import { notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";
import { type Page, type PageRequest, readPage } from "./page.ts";

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

const tokenColumns = {
  id: true,
  name: true,
  prefix: true,
  access: true,
  createdBy: true,
  createdAt: true,
  expiresAt: true,
  lastUsedAt: true,
  revokedAt: true,
} satisfies Prisma.ApiTokenSelect;

export function createTokenStore(prisma: PrismaClient): TokenStore {
  const find = async (where: Prisma.ApiTokenWhereUniqueInput) => {
    const row = await prisma.apiToken.findUnique({ where, select: tokenColumns });
    return row === null ? null : toRow(row);
  };
  return {
    create: async ({ name, prefix, hash, access, createdBy, expiresAt }) => {
      const data = { id: newId("token"), name, prefix, hash, access, createdBy, expiresAt };
      return toRow(await prisma.apiToken.create({ data, select: tokenColumns }));
    },
    get: (id) => find({ id }),
    findByHash: (hash) => find({ hash }),
    list: (page) =>
      readPage(
        page,
        {
          count: () => prisma.apiToken.count(),
          find: (window) =>
            prisma.apiToken.findMany({
              ...window,
              orderBy: [{ createdAt: "desc" }, { id: "desc" }],
              select: tokenColumns,
            }),
        },
        toRow,
      ),
    revoke: async (id) => {
      await prisma.$executeRaw`
        UPDATE api_token SET revoked_at = COALESCE(revoked_at, clock_timestamp()) WHERE id = ${id}`;
      const row = await find({ id });
      if (row === null) throw notFound("token", id);
      return row;
    },
    recordUse: async (id) => {
      await prisma.$executeRaw`
        UPDATE api_token SET last_used_at = clock_timestamp()
         WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 minute')`;
    },
  };
}

function toRow(columns: Prisma.ApiTokenGetPayload<{ select: typeof tokenColumns }>): ApiTokenRow {
  return { ...columns, access: columns.access as TokenAccess };
}
