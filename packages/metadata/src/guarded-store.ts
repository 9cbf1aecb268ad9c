import { systemErrorCode } from "@tidemark/kit";
import { metadataUnreachable } from "./database-error.ts";
import { Prisma } from "./generated/client.ts";

/**
 * The same store, whose methods turn a lost or refused connection into `metadata-unreachable`: the one place where
 * connection errors are wrapped. Everything else passes as it is.
 */
export function guardedStore<Store extends object>(store: Store): Store {
  const guarded: Record<string, unknown> = {};
  for (const [name, method] of Object.entries(store)) {
    guarded[name] = async (...args: unknown[]) => {
      try {
        return await (method as (...args: unknown[]) => unknown)(...args);
      } catch (error) {
        throw isConnectionError(error) ? metadataUnreachable(error) : error;
      }
    };
  }
  return guarded as Store;
}

export function isConnectionError(error: unknown): boolean {
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    return prismaConnectionCodes.has(error.code) || isConnectionError(adapterCause(error));
  }
  if (adapterConnectionKinds.has(stringMember(error, "kind"))) return true;
  const code = systemErrorCode(error) ?? stringMember(error, "originalCode");
  if (code !== "") return systemCodes.has(code) || /^(08|57P0|53300)/.test(code);
  // pg gives these two no code (pg-pool index.js, pg client.js).
  const message = error instanceof Error ? error.message : "";
  return message === "timeout exceeded when trying to connect" || message.startsWith("Connection terminated");
}

/** Prisma's error reference: authentication, unreachable, timed out, unknown database, denied, TLS, closed, no connection free. */
const prismaConnectionCodes = new Set([
  "P1000",
  "P1001",
  "P1002",
  "P1003",
  "P1008",
  "P1010",
  "P1011",
  "P1017",
  "P2024",
]);
/** The same as the adapter names it before Prisma makes a code of it (raw queries: P2010 for everything). */
const adapterConnectionKinds = new Set([
  "DatabaseNotReachable",
  "DatabaseDoesNotExist",
  "DatabaseAccessDenied",
  "AuthenticationFailed",
  "TlsConnectionError",
  "ConnectionClosed",
  "TooManyConnections",
  "SocketTimeout",
]);
const systemCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ETIMEDOUT",
  "EPIPE",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
]);

function adapterCause(error: Prisma.PrismaClientKnownRequestError): unknown {
  const wrapped = error.meta?.driverAdapterError;
  return typeof wrapped === "object" && wrapped !== null && "cause" in wrapped ? wrapped.cause : undefined;
}

function stringMember(value: unknown, name: string): string {
  if (typeof value !== "object" || value === null) return "";
  const member: unknown = Object.getOwnPropertyDescriptor(value, name)?.value;
  return typeof member === "string" ? member : "";
}
