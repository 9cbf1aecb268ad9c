import { AppError } from "@tidemark/kit";
import type { Asker } from "../server/asker.ts";
import { instantOf, msOf } from "../server/column-values.ts";
import type { ServerEvidence } from "./server-evidence.ts";

export interface SettingEvidence {
  readonly name: string;
  /** As a new session of our role gets it; what our own session set for itself does not show. */
  readonly value: string;
  /** What the value counts in: `kB`, `8kB`, `MB`, `ms`, `s`, `min` … */
  readonly unit: string | null;
  /** `default`, `configuration file`, `command line`, `user`, `database` … */
  readonly source: string;
  /** `postmaster`: takes effect with a restart only. */
  readonly context: string;
}

export interface RoleEvidence {
  /** Null: no limit. */
  readonly connectionLimit: number | null;
  /** When its password ends to be good; null: never. */
  readonly validUntil: Date | null;
  /** Names of settings given to this role in this database, which win over those given to the role. */
  readonly settingsInDatabase: readonly string[];
}

export interface ConfigurationError {
  readonly file: string;
  readonly line: number | null;
  /** The setting, where it is one. */
  readonly name: string | null;
  readonly error: string;
}

/** Settings as new sessions of this role get them. */
export class Settings {
  readonly #byName: ReadonlyMap<string, SettingEvidence>;

  constructor(settings: readonly SettingEvidence[]) {
    this.#byName = new Map(settings.map((setting) => [setting.name, setting]));
  }

  /** Undefined: this major has no such setting, or the role may not see it. */
  find(name: string): SettingEvidence | undefined {
    return this.#byName.get(name);
  }

  text(name: string): string | null {
    return this.find(name)?.value ?? null;
  }

  isOn(name: string): boolean {
    return this.text(name) === "on";
  }

  /** A number as it stands; 0 when there is no such setting. */
  number(name: string): number {
    return Number(this.text(name) ?? 0);
  }

  /** A size. Negative values mean what the setting says they mean, and stay negative. */
  bytes(name: string): number {
    return this.number(name) * (byteUnits.get(this.find(name)?.unit ?? "B") ?? 1);
  }

  /** A duration in milliseconds. */
  ms(name: string): number {
    return this.number(name) * (msUnits.get(this.find(name)?.unit ?? "ms") ?? 1);
  }
}

/** guc.c, convert_to_base_unit: the units a setting may be counted in. */
const byteUnits: ReadonlyMap<string, number> = new Map([
  ["B", 1],
  ["kB", 1024],
  ["8kB", 8192],
  ["MB", 1024 ** 2],
  ["16MB", 16 * 1024 ** 2],
  ["GB", 1024 ** 3],
]);
const msUnits: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["min", 60_000],
]);

/** Each name a check asks for. */
const names = [
  "archive_command",
  "archive_library",
  "archive_mode",
  "archive_timeout",
  "checkpoint_timeout",
  "config_file",
  "data_checksums",
  "data_directory",
  "data_directory_mode",
  "fsync",
  "full_page_writes",
  "hba_file",
  "ident_file",
  "idle_in_transaction_session_timeout",
  "idle_replication_slot_timeout",
  "idle_session_timeout",
  "ignore_checksum_failure",
  "lock_timeout",
  "max_replication_slots",
  "max_slot_wal_keep_size",
  "max_wal_senders",
  "max_wal_size",
  "password_encryption",
  "primary_conninfo",
  "restore_command",
  "shared_preload_libraries",
  "statement_timeout",
  "summarize_wal",
  "synchronous_standby_names",
  "track_commit_timestamp",
  "transaction_timeout",
  "wal_keep_size",
  "wal_level",
  "wal_segment_size",
  "wal_sender_timeout",
  "zero_damaged_pages",
];

/**
 * `reset_val` is what a session starts with, and what stands in the configuration: `setting` shows what our own session
 * set, and `(disabled)` for an archive_command while archive_mode is off (guc_tables.c, show_archive_command).
 * Internal ones are facts, which only `setting` tells: the data directory's mode is found at the start (miscinit.c).
 */
export async function readSettings(asker: Asker): Promise<Settings> {
  return new Settings(
    await asker.query<SettingEvidence>(
      `SELECT name, coalesce(CASE WHEN context = 'internal' THEN setting ELSE reset_val END, '') AS value, unit, source,
              context
         FROM pg_catalog.pg_settings WHERE name = ANY ($1::text[])`,
      [names],
    ),
  );
}

/** Names only: a value may be a secret. */
export async function readPendingSettings(asker: Asker): Promise<string[]> {
  const rows = await asker.query<{ readonly name: string }>(
    "SELECT name FROM pg_catalog.pg_settings WHERE pending_restart ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

export async function readRole(asker: Asker): Promise<RoleEvidence> {
  const [row] = await asker.query<{
    readonly connection_limit: number;
    readonly valid_until_ms: number | null;
    readonly in_database: readonly string[] | null;
  }>(`
    SELECT CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END AS connection_limit,
           ${msOf("r.rolvaliduntil")} AS valid_until_ms,
           (SELECT s.setconfig FROM pg_catalog.pg_db_role_setting s
             WHERE s.setrole = r.oid
               AND s.setdatabase = (SELECT d.oid FROM pg_catalog.pg_database d
                                     WHERE d.datname = pg_catalog.current_database())) AS in_database
      FROM pg_catalog.pg_roles r WHERE r.rolname = current_user`);
  if (row === undefined) throw new AppError("protocol-violation", { message: "pg_roles does not know our role" });
  return {
    connectionLimit: row.connection_limit < 0 ? null : row.connection_limit,
    validUntil: instantOf(row.valid_until_ms),
    settingsInDatabase: (row.in_database ?? []).map((entry) => entry.split("=")[0] ?? ""),
  };
}

/** A setting that waits for a restart shows as one that could not be applied; that is another check's finding. */
export async function readConfigurationErrors(asker: Asker, server: ServerEvidence): Promise<ConfigurationError[]> {
  const { asking, major } = server;
  const readsAll = asking.readsFileSettings && asking.readsHbaRules && (asking.readsIdentMappings || major < 15);
  if (!readsAll) {
    const message = `the role may not read ${configurationViews(major).join(", ")}`;
    throw new AppError("privilege-missing", { message });
  }
  const hbaFile = major >= 16 ? "file_name" : "'pg_hba.conf'::text";
  const identFile = major >= 16 ? "file_name" : "'pg_ident.conf'::text";
  const ident = `UNION ALL
    SELECT ${identFile}, line_number, NULL, error FROM pg_catalog.pg_ident_file_mappings WHERE error IS NOT NULL`;
  return await asker.query<ConfigurationError>(`
    SELECT f.sourcefile AS file, f.sourceline AS line, f.name, f.error
      FROM pg_catalog.pg_file_settings f
     WHERE f.error IS NOT NULL
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_settings s WHERE s.name = f.name AND s.pending_restart)
     UNION ALL
    SELECT ${hbaFile}, line_number, NULL, error FROM pg_catalog.pg_hba_file_rules WHERE error IS NOT NULL
    ${major >= 15 ? ident : ""}`);
}

export function grantConfigurationViews({ major, roleSql }: ServerEvidence): string {
  const views = configurationViews(major);
  const functions = ["pg_show_all_file_settings()", ...views.slice(1).map((view) => `${view}()`)];
  return [
    ...views.map((view) => `GRANT SELECT ON pg_catalog.${view} TO ${roleSql};`),
    ...functions.map((name) => `GRANT EXECUTE ON FUNCTION pg_catalog.${name} TO ${roleSql};`),
  ].join("\n");
}

function configurationViews(major: number): string[] {
  return ["pg_file_settings", "pg_hba_file_rules", ...(major >= 15 ? ["pg_ident_file_mappings"] : [])];
}
