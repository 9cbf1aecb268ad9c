import { AppError, type Clock } from "@tidemark/kit";
import { sqlName } from "../privileges/sql-text.ts";
import type { Asker } from "../server/asker.ts";
import { type AskingRole, readAskingRole } from "../server/asking-role.ts";
import { msOf } from "../server/column-values.ts";
import { managedServices } from "./managed-services.ts";

export interface ServerEvidence {
  /** Our role and what it may read. */
  readonly asking: AskingRole;
  /** server_version_num, as 180004. */
  readonly versionNum: number;
  readonly major: number;
  /** server_version, as `18.4 (Debian 18.4-1)`. */
  readonly versionText: string;
  readonly inRecovery: boolean;
  /** Our role and the session's database, quoted for SQL. */
  readonly roleSql: string;
  readonly databaseSql: string;
  /** The server's clock less ours, halfway through the question. */
  readonly clockDifferenceMs: number;
  /** How long the question took: the difference is known to half of it. */
  readonly roundTripMs: number;
}

export interface ControlEvidence {
  readonly systemIdentifier: bigint;
  /** As of the last checkpoint, or restartpoint: the primary's, on a standby. */
  readonly fullPageWrites: boolean;
}

export async function readServer(asker: Asker, clock: Clock): Promise<ServerEvidence> {
  const asking = await readAskingRole(asker);
  const askedAt = clock.now();
  const startedMs = clock.monotonicMs();
  const [row] = await asker.query<{
    readonly version: string;
    readonly in_recovery: boolean;
    readonly now_ms: number;
  }>(`
    SELECT pg_catalog.current_setting('server_version') AS version, pg_catalog.pg_is_in_recovery() AS in_recovery,
           ${msOf("pg_catalog.clock_timestamp()")} AS now_ms`);
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server said nothing of itself" });
  const roundTripMs = clock.monotonicMs() - startedMs;
  return {
    asking,
    versionNum: asking.versionNum,
    major: asking.major,
    versionText: row.version,
    inRecovery: row.in_recovery,
    roleSql: sqlName(asking.name),
    databaseSql: sqlName(asking.database),
    clockDifferenceMs: Math.round(row.now_ms - askedAt.getTime() - roundTripMs / 2),
    roundTripMs: Math.round(roundTripMs),
  };
}

export async function readControl(asker: Asker, { asking }: ServerEvidence): Promise<ControlEvidence> {
  if (!asking.readsControl) {
    throw new AppError("privilege-missing", { message: "the role may not call pg_control_system() and its like" });
  }
  const [row] = await asker.query<{ readonly id: string; readonly full_page_writes: boolean }>(`
    SELECT s.system_identifier::text AS id, c.full_page_writes
      FROM pg_catalog.pg_control_system() s, pg_catalog.pg_control_checkpoint() c`);
  if (row === undefined) throw new AppError("protocol-violation", { message: "pg_control_system() returned no row" });
  return { systemIdentifier: BigInt(row.id), fullPageWrites: row.full_page_writes };
}

/** These are everybody's unless somebody took them away. */
export function grantControl({ roleSql }: ServerEvidence): string {
  return ["pg_control_system()", "pg_control_checkpoint()", "pg_control_recovery()"]
    .map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${roleSql};`)
    .join("\n");
}

export async function readMarkers(asker: Asker): Promise<string[]> {
  const rows = await asker.query<{ readonly name: string }>(
    `SELECT s.name FROM pg_catalog.pg_settings s
      WHERE EXISTS (SELECT FROM pg_catalog.unnest($1::text[]) AS prefix WHERE pg_catalog.starts_with(s.name, prefix))
      UNION
     SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE r.rolname::text = ANY ($2::text[])
      ORDER BY 1`,
    [managedServices.flatMap(({ settings }) => settings), managedServices.flatMap(({ roles }) => roles)],
  );
  return rows.map(({ name }) => name);
}
