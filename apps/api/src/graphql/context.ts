import { AppError } from "@tidemark/kit";
import type { Principal } from "../auth/principal.ts";
import type { Services } from "../services.ts";
import { createLoaders, type Loaders } from "./loaders.ts";

/** What resolvers are given, one per operation. */
export interface GraphqlContext {
  readonly services: Services;
  /** Null: nobody is logged in; only `viewer` answers then. */
  readonly principal: Principal | null;
  /** Read each row once per operation; replaced after a mutation, so that its answer is fresh. */
  loaders: Loaders;
  /** Aborts when the caller hangs up or the api stops. */
  readonly signal: AbortSignal;
}

export function createContext(services: Services, principal: Principal | null, signal: AbortSignal): GraphqlContext {
  return { services, principal, loaders: createLoaders(services), signal };
}

/** Throws `not-authenticated`. Operations were checked before; this holds for resolvers that need the name. */
export function requirePrincipal(context: GraphqlContext): Principal {
  if (context.principal !== null) return context.principal;
  throw new AppError("not-authenticated", { message: "log in first, or send an API token" });
}
