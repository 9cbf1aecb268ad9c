import type { Asker } from "../server/asker.ts";
import type { ServerEvidence } from "./server-evidence.ts";

export interface ActiveBackup {
  readonly pid: number;
  readonly user: string | null;
  /** Null for sessions of other roles when ours may not read all statistics. */
  readonly applicationName: string | null;
  readonly startedAt: Date | null;
}

export interface PreparedTransaction {
  readonly gid: string;
  /** Quoted as an SQL literal. */
  readonly gidLiteral: string;
  readonly preparedAt: Date;
  readonly database: string;
  readonly owner: string;
}

export async function readActiveBackups(asker: Asker): Promise<ActiveBackup[]> {
  return await asker.query<ActiveBackup>(`
    SELECT p.pid, a.usename::text AS user, a.application_name AS "applicationName", a.backend_start AS "startedAt"
      FROM pg_catalog.pg_stat_progress_basebackup p LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = p.pid
     ORDER BY p.pid`);
}

/** Exclusive backups, and these two functions, ended with 14. */
export async function readExclusiveBackup(asker: Asker, { major }: ServerEvidence): Promise<Date | null> {
  if (major > 14) return null;
  const [row] = await asker.query<{ readonly at: Date | null }>(
    "SELECT CASE WHEN pg_catalog.pg_is_in_backup() THEN pg_catalog.pg_backup_start_time() END AS at",
  );
  return row?.at ?? null;
}

export async function readPreparedTransactions(asker: Asker): Promise<PreparedTransaction[]> {
  return await asker.query<PreparedTransaction>(`
    SELECT gid, pg_catalog.quote_literal(gid) AS "gidLiteral", prepared AS "preparedAt", database::text AS database,
           owner::text AS owner
      FROM pg_catalog.pg_prepared_xacts ORDER BY prepared`);
}
