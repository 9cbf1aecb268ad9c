import { AppError, type Clock } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";
import { hashToken } from "./api-token.ts";
import type { Principal } from "./principal.ts";
import type { SessionAuth } from "./session-auth.ts";

export interface IdentifyDeps {
  readonly metadata: Pick<Metadata, "tokens">;
  readonly sessions: SessionAuth;
  readonly clock: Clock;
}

/**
 * Who sent a request: the bearer token's owner, else the session's user, else null (nobody said anything). A token that
 * is given and no good throws, whatever the cookie: `not-authenticated` when it is unknown or revoked, `token-expired`.
 */
export async function identify(deps: IdentifyDeps, headers: Headers): Promise<Principal | null> {
  const authorization = headers.get("authorization");
  if (authorization !== null) return await tokenPrincipal(deps, authorization);
  if (headers.get("cookie") === null) return null;
  const user = await deps.sessions.userOf(headers);
  if (user === null) return null;
  return {
    kind: "user",
    id: user.id,
    name: user.username,
    access: "full",
    mustChangePassword: user.mustChangePassword,
    actor: `user:${user.username}`,
  };
}

async function tokenPrincipal(deps: IdentifyDeps, authorization: string): Promise<Principal> {
  const text = /^Bearer +(tmk_[A-Za-z0-9_-]{10,200})$/i.exec(authorization)?.[1];
  const token = text === undefined ? null : await deps.metadata.tokens.findByHash(hashToken(text));
  if (token === null) {
    throw new AppError("not-authenticated", {
      message: "the token is not one of ours",
      hint: "send `Authorization: Bearer tmk_…` with a token that was made here",
    });
  }
  if (token.revokedAt !== null) {
    throw new AppError("not-authenticated", { message: `the token ${token.prefix}… was revoked` });
  }
  if (token.expiresAt !== null && token.expiresAt.getTime() <= deps.clock.now().getTime()) {
    throw new AppError("token-expired", {
      message: `the token ${token.prefix}… expired at ${token.expiresAt.toISOString()}`,
      hint: "make a new one on the access page",
    });
  }
  await deps.metadata.tokens.recordUse(token.id);
  return {
    kind: "token",
    id: token.id,
    name: token.name,
    access: token.access,
    mustChangePassword: false,
    actor: `token:${token.prefix}`,
  };
}
