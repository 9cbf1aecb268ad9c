import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";

/**
 * The role that asks, and what the server lets it read. Every statement is chosen by it beforehand, because a refused
 * one would leave an error in the server's log at each poll.
 */
export interface AskingRole {
  /** server_version_num, as 180004. */
  readonly versionNum: number;
  readonly major: number;
  /** The database of this session. */
  readonly database: string;
  readonly name: string;
  readonly isSuperuser: boolean;
  /**
   * The REPLICATION attribute (superusers may replicate without it) of the role that logged in: it is what a
   * replication session needs, which never takes on another by ALTER ROLE … SET role.
   */
  readonly hasReplication: boolean;
  /** pg_read_all_settings, which pg_monitor contains: settings marked superuser-only, and their files. */
  readonly readsAllSettings: boolean;
  /** pg_read_all_stats, which pg_monitor contains: other roles' rows of the statistics. */
  readonly readsAllStats: boolean;
  /** pg_read_server_files: paths outside the data directory (and the log directory). */
  readonly readsServerFiles: boolean;
  /** EXECUTE on all of pg_control_system(), pg_control_checkpoint(), pg_control_recovery(); public unless revoked. */
  readonly readsControl: boolean;
  /** The view pg_file_settings and the function below it. */
  readonly readsFileSettings: boolean;
  /** The view pg_hba_file_rules and the function below it. */
  readonly readsHbaRules: boolean;
  /** The view pg_ident_file_mappings (15+) and the function below it. */
  readonly readsIdentMappings: boolean;
  /** EXECUTE on pg_read_binary_file(text, bigint, bigint, boolean). */
  readonly readsBinaryFiles: boolean;
  /** EXECUTE on pg_read_file(text, bigint, bigint, boolean). */
  readonly readsTextFiles: boolean;
  /** EXECUTE on pg_stat_file(text, boolean). */
  readonly statsFiles: boolean;
  /** EXECUTE on pg_ls_dir(text, boolean, boolean). */
  readonly listsDirectories: boolean;
}

/**
 * Asks who asks. Needs no privilege.
 *
 * Membership in the predefined roles is asked the way the server itself decides: is_member_of_role() on 13 and 14
 * (MEMBER: also through NOINHERIT), has_privs_of_role() from 15 (USAGE); release notes of 15, "Migration".
 */
export async function readAskingRole(asker: Asker): Promise<AskingRole> {
  const [row] = await asker.query<AskingRole>(question);
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server does not know our role" });
  return row;
}

/** A function's privilege when the major has the function; to_regprocedure is null for one that does not exist. */
function mayCall(signature: string): string {
  return `COALESCE(pg_catalog.has_function_privilege(pg_catalog.to_regprocedure('pg_catalog.${signature}'), 'EXECUTE'), false)`;
}

/** A view's functions are called with the reader's own rights, so both are needed. */
function mayRead(view: string, signature: string): string {
  const relation = `pg_catalog.to_regclass('pg_catalog.${view}')`;
  return `(COALESCE(pg_catalog.has_table_privilege(${relation}, 'SELECT'), false) AND ${mayCall(signature)})`;
}

function isMember(role: string): string {
  return `pg_catalog.pg_has_role('${role}', v.membership)`;
}

const question = `
  SELECT v.num AS "versionNum",
         v.num / 10000 AS "major",
         pg_catalog.current_database()::text AS "database",
         r.rolname::text AS "name",
         r.rolsuper AS "isSuperuser",
         (SELECT l.rolreplication FROM pg_catalog.pg_roles l WHERE l.rolname = session_user) AS "hasReplication",
         ${isMember("pg_read_all_settings")} AS "readsAllSettings",
         ${isMember("pg_read_all_stats")} AS "readsAllStats",
         ${isMember("pg_read_server_files")} AS "readsServerFiles",
         ${["pg_control_system()", "pg_control_checkpoint()", "pg_control_recovery()"].map(mayCall).join(" AND ")} AS "readsControl",
         ${mayRead("pg_file_settings", "pg_show_all_file_settings()")} AS "readsFileSettings",
         ${mayRead("pg_hba_file_rules", "pg_hba_file_rules()")} AS "readsHbaRules",
         ${mayRead("pg_ident_file_mappings", "pg_ident_file_mappings()")} AS "readsIdentMappings",
         ${mayCall("pg_read_binary_file(text, bigint, bigint, boolean)")} AS "readsBinaryFiles",
         ${mayCall("pg_read_file(text, bigint, bigint, boolean)")} AS "readsTextFiles",
         ${mayCall("pg_stat_file(text, boolean)")} AS "statsFiles",
         ${mayCall("pg_ls_dir(text, boolean, boolean)")} AS "listsDirectories"
    FROM pg_catalog.pg_roles r,
         (SELECT n.num, CASE WHEN n.num < 150000 THEN 'MEMBER' ELSE 'USAGE' END AS membership
            FROM (SELECT pg_catalog.current_setting('server_version_num')::int4 AS num) n) v
   WHERE r.rolname = current_user`;
