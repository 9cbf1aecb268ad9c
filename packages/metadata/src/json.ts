import { Prisma } from "./generated/client.ts";

/** A value a JSON column holds. Bytes and LSNs go in as decimal strings. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** For a nullable JSON column: null and undefined become SQL NULL. Throws for what JSON cannot hold (bigint, cycles). */
export function toJsonColumn(value: unknown): Prisma.InputJsonValue | typeof Prisma.DbNull {
  if (value === null || value === undefined) return Prisma.DbNull;
  return plainJson(value);
}

/** For a JSON column that is never NULL. */
export function plainJson(value: unknown): Prisma.InputJsonValue {
  return JSON.parse(JSON.stringify(value)) as Prisma.InputJsonValue;
}
