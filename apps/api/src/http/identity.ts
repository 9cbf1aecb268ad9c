import { AppError, type Logger } from "@tidemark/kit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { type IdentifyDeps, identify } from "../auth/identify.ts";
import type { Principal } from "../auth/principal.ts";
import { refuseForeignOrigin } from "./origin.ts";

/** Who sent a request: a principal, nobody, or somebody whose proof is no good. */
export type Identity = { readonly principal: Principal | null } | { readonly failure: AppError };

declare module "fastify" {
  interface FastifyRequest {
    identity: Identity;
  }
}

/** Identifies the sender of every request of this scope, after foreign pages were refused. */
export function addIdentity(
  scope: FastifyInstance,
  deps: IdentifyDeps & { logger: Logger },
  publicUrl: URL | null,
): void {
  scope.decorateRequest("identity");
  scope.addHook("preHandler", async (request) => {
    refuseForeignOrigin(originOf(request), publicUrl);
    request.identity = await identityOf(deps, request);
  });
}

export function originOf(request: FastifyRequest) {
  const { headers } = request;
  return {
    method: request.method,
    ownOrigin: `${request.protocol}://${request.host}`,
    origin: headers.origin,
    secFetchSite: typeof headers["sec-fetch-site"] === "string" ? headers["sec-fetch-site"] : undefined,
    hasCookie: headers.cookie !== undefined && headers.authorization === undefined,
  };
}

async function identityOf(deps: IdentifyDeps, request: FastifyRequest): Promise<Identity> {
  try {
    return { principal: await identify(deps, webHeaders(request)) };
  } catch (error) {
    if (error instanceof AppError && error.blame === "user") return { failure: error };
    throw error;
  }
}

/** The principal, null for nobody. Throws when a proof was given and is no good. */
export function principalOf(request: FastifyRequest): Principal | null {
  if ("failure" in request.identity) throw request.identity.failure;
  return request.identity.principal;
}

/** As `principalOf`, and nobody is `not-authenticated`. */
export function requireLogin(request: FastifyRequest): Principal {
  const principal = principalOf(request);
  if (principal !== null) return principal;
  throw new AppError("not-authenticated", { message: "log in first, or send an API token" });
}

export function webHeaders(request: FastifyRequest): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  return headers;
}
