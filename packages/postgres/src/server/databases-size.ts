import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";

export interface DatabaseSize {
  readonly name: string;
  /** Null when this role may neither connect to the database nor read all statistics. */
  readonly sizeBytes: bigint | null;
}

/** The server looks at every file of every database. */
const timeoutMs = 10 * 60_000;

/**
 * The size of each database. Never part of a poll: the server stats every file (pg_database_size, dbsize.c).
 *
 * Needs: per database CONNECT, or pg_read_all_stats for all.
 */
export async function readDatabaseSizes(asker: Asker, known?: AskingRole): Promise<DatabaseSize[]> {
  const role = known ?? (await readAskingRole(asker));
  const allowed = role.readsAllStats ? "true" : "pg_catalog.has_database_privilege(oid, 'CONNECT')";
  const rows = await asker.query<{ readonly name: string; readonly size: string | null }>(
    `SELECT datname::text AS name, CASE WHEN ${allowed} THEN pg_catalog.pg_database_size(oid)::text END AS size
       FROM pg_catalog.pg_database ORDER BY 1`,
    [],
    { timeoutMs },
  );
  return rows.map(({ name, size }) => ({ name, sizeBytes: size === null ? null : BigInt(size) }));
}

/** The size of all databases together in bytes. Null when this role may not ask for each of them. */
export async function readDatabasesSize(asker: Asker, known?: AskingRole): Promise<bigint | null> {
  let total = 0n;
  for (const { sizeBytes } of await readDatabaseSizes(asker, known)) {
    if (sizeBytes === null) return null;
    total += sizeBytes;
  }
  return total;
}
