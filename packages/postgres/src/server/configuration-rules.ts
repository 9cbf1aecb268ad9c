import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";
import type { AskingRole } from "./asking-role.ts";
import type { ConfigurationFile } from "./configuration-files.ts";

/** A line of a configuration file as the server reads it (pg_file_settings). */
export interface FileSetting {
  readonly file: string | null;
  readonly line: number | null;
  readonly name: string | null;
  readonly value: string | null;
  /** False: a later line wins, or a restart is due. */
  readonly applied: boolean;
  readonly error: string | null;
}

/** A rule of pg_hba.conf as the server reads it (pg_hba_file_rules). */
export interface HbaRule {
  /** Null before 16. */
  readonly file: string | null;
  readonly line: number;
  readonly type: string | null;
  readonly databases: readonly string[];
  readonly users: readonly string[];
  readonly address: string | null;
  readonly netmask: string | null;
  readonly method: string | null;
  readonly options: readonly string[];
  readonly error: string | null;
}

/** A line of pg_ident.conf as the server reads it (pg_ident_file_mappings, 15+). */
export interface IdentMapping {
  /** Null before 16. */
  readonly file: string | null;
  readonly line: number;
  readonly map: string | null;
  readonly systemUser: string | null;
  readonly databaseUser: string | null;
  readonly error: string | null;
}

export interface ConfigurationRules {
  readonly fileSettings: readonly FileSetting[] | null;
  readonly settings: readonly { readonly name: string; readonly value: string }[] | null;
  readonly hbaRules: readonly HbaRule[] | null;
  readonly identMappings: readonly IdentMapping[] | null;
}

/** What stands in for the files that could not be read; null where they all were, or the role may not. */
export async function readRules(
  asker: Asker,
  role: AskingRole,
  files: readonly { readonly purpose: ConfigurationFile["purpose"]; readonly content: string | null }[],
): Promise<ConfigurationRules> {
  const isUnread = (...purposes: ConfigurationFile["purpose"][]): boolean =>
    files.some(({ purpose, content }) => content === null && purposes.includes(purpose));
  const lacksConfig = isUnread("config", "include");
  return {
    fileSettings: lacksConfig && role.readsFileSettings ? await readFileSettings(asker) : null,
    settings: lacksConfig && !role.readsFileSettings ? await readSettingsFromFiles(asker) : null,
    hbaRules:
      isUnread("hba", "include") && role.readsHbaRules
        ? await unlessFileFails(() => readHbaRules(asker, role.major))
        : null,
    identMappings:
      isUnread("ident", "include") && role.readsIdentMappings
        ? await unlessFileFails(() => readIdentMappings(asker, role.major))
        : null,
  };
}

/**
 * Null when the server cannot open the file behind a view: pg_hba_file_rules and pg_ident_file_mappings are errors then
 * (hba.c, open_auth_file). A server starts without pg_ident.conf.
 */
export async function unlessFileFails<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    // 42501: the operating system refuses the file to the server (elog.c, errcode_for_file_access).
    if (error instanceof AppError && (error.code === "server-error" || error.code === "privilege-missing")) return null;
    throw error;
  }
}

/**
 * The rules of pg_hba.conf in their order.
 *
 * Needs: SELECT on pg_hba_file_rules and EXECUTE on pg_hba_file_rules() (superusers only by default).
 */
export async function readHbaRules(asker: Asker, major: number): Promise<HbaRule[]> {
  return await asker.query<HbaRule>(`
    SELECT ${major >= 16 ? "file_name" : "NULL::text"} AS file, line_number AS line, type,
           COALESCE(database, '{}') AS databases, COALESCE(user_name, '{}') AS users,
           address, netmask, auth_method AS method, COALESCE(options, '{}') AS options, error
      FROM pg_catalog.pg_hba_file_rules
     ORDER BY ${major >= 16 ? "rule_number NULLS LAST, " : ""}line_number`);
}

/** Needs: SELECT on pg_file_settings and EXECUTE on pg_show_all_file_settings() (superusers only by default). */
async function readFileSettings(asker: Asker): Promise<FileSetting[]> {
  return await asker.query<FileSetting>(`
    SELECT sourcefile AS file, sourceline AS line, name, setting AS value, applied, error
      FROM pg_catalog.pg_file_settings ORDER BY seqno`);
}

/** Needs: any login, for those settings that are not for superusers only. */
async function readSettingsFromFiles(asker: Asker): Promise<{ name: string; value: string }[]> {
  return await asker.query<{ name: string; value: string }>(`
    SELECT name, pg_catalog.current_setting(name) AS value
      FROM pg_catalog.pg_settings WHERE source = 'configuration file' ORDER BY name`);
}

/** Needs: SELECT on pg_ident_file_mappings and EXECUTE on pg_ident_file_mappings() (superusers only by default). */
async function readIdentMappings(asker: Asker, major: number): Promise<IdentMapping[]> {
  return await asker.query<IdentMapping>(`
    SELECT ${major >= 16 ? "file_name" : "NULL::text"} AS file, line_number AS line, map_name AS map,
           sys_name AS "systemUser", pg_username AS "databaseUser", error
      FROM pg_catalog.pg_ident_file_mappings
     ORDER BY ${major >= 16 ? "map_number NULLS LAST, " : ""}line_number`);
}
