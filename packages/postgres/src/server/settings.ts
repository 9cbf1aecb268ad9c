import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";

/** One of the server's settings as it is in force for our session. */
export interface Setting {
  readonly name: string;
  /** As SHOW prints it (`16MB`, `on`). Passwords inside a connection string or a command are masked. */
  readonly value: string;
  /** As pg_settings keeps it, in `unit`s; masked likewise. */
  readonly rawValue: string;
  readonly unit: string | null;
  /** bool, enum, integer, real or string. */
  readonly type: string;
  /** default, configuration file, command line, database, user …; `unknown` for a name pg_settings does not list. */
  readonly source: string;
  /** Null when not from a file, and without pg_read_all_settings. */
  readonly sourceFile: string | null;
  readonly sourceLine: number | null;
  /** Changed in a file; in force only after a restart. */
  readonly pendingRestart: boolean;
  /** internal, postmaster, sighup, backend, superuser, user …: what it takes to change it. */
  readonly context: string;
  readonly bootValue: string | null;
  readonly resetValue: string | null;
  readonly description: string | null;
}

export interface SettingsReading {
  /** In the order of their names. */
  readonly settings: readonly Setting[];
  /** Asked for, and not there or not for this role to see: the server does not tell which. */
  readonly missing: readonly string[];
}

/**
 * Reads settings by name (without regard to case, as SHOW does), or all of them for null.
 *
 * Needs: any login; pg_read_all_settings for those that only superusers see (data_directory, config_file,
 * primary_conninfo, shared_preload_libraries …), and for the files they come from.
 */
export async function readSettings(asker: Asker, names: readonly string[] | null): Promise<SettingsReading> {
  const wanted = names === null ? null : [...new Set(names.map((name) => name.toLowerCase()))];
  const rows = await asker.query<Setting>(question, [wanted]);
  const settings = rows.map(masked);
  const found = new Set(settings.map(({ name }) => name.toLowerCase()));
  const missing: string[] = [];
  for (const name of new Set(names)) {
    if (found.has(name.toLowerCase())) continue;
    const unlisted = await readUnlisted(asker, name);
    if (unlisted === null) missing.push(name);
    else settings.push(unlisted);
  }
  return { settings, missing };
}

/** One setting; null when it does not exist or this role may not see it. Privileges as for `readSettings`. */
export async function readSetting(asker: Asker, name: string): Promise<Setting | null> {
  const [setting] = (await readSettings(asker, [name])).settings;
  return setting ?? null;
}

/**
 * Replaces the values of `password=…`, PGPASSWORD=…, AWS_SECRET_ACCESS_KEY=… and the like, quoted or not, and the
 * password in the user part of a URI. A quote ends an unquoted value only where it ends a word: `password=it's` is whole.
 */
export function maskSettingSecrets(value: string): string {
  return value
    .replace(
      /((?:passw(?:or)?d|passphrase|secret|token|access_?key)\w*\s*=\s*)('(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.)*"|(?:\\.|[^\s'"\\]|['"](?=\w))+)/gi,
      "$1[secret]",
    )
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi, "$1[secret]@");
}

function masked(setting: Setting): Setting {
  if (setting.type !== "string") return setting;
  const mask = <T extends string | null>(value: T): T | string =>
    value === null ? value : maskOf(setting.name, value);
  return {
    ...setting,
    value: mask(setting.value),
    rawValue: mask(setting.rawValue),
    bootValue: mask(setting.bootValue),
    resetValue: mask(setting.resetValue),
  };
}

/** Some keep a secret in a setting of their own (`app.jwt_secret`), which every session may read. */
const secretName = /passw|passphrase|secret|token|(?:api|private|access)_?key(?!_file)/i;

function maskOf(name: string, value: string): string {
  return value !== "" && secretName.test(name) ? "[secret]" : maskSettingSecrets(value);
}

/**
 * SHOW knows names that pg_settings leaves out (`role`, parameters of the user's own invention; guc.h, GUC_NO_SHOW_ALL).
 * Null when there is no such name, or the role may not examine it.
 */
async function readUnlisted(asker: Asker, name: string): Promise<Setting | null> {
  try {
    const [row] = await asker.query<{ readonly value: string | null }>(
      "SELECT pg_catalog.current_setting($1, true) AS value",
      [name],
    );
    if (row === undefined || row.value === null) return null;
    const value = maskOf(name, row.value);
    return {
      name,
      value,
      rawValue: value,
      unit: null,
      type: "string",
      source: "unknown",
      sourceFile: null,
      sourceLine: null,
      pendingRestart: false,
      context: "unknown",
      bootValue: null,
      resetValue: null,
      description: null,
    };
  } catch (error) {
    if (error instanceof AppError && error.code === "privilege-missing") return null;
    throw error;
  }
}

const question = `
  SELECT name,
         pg_catalog.current_setting(name) AS value,
         setting AS "rawValue",
         unit,
         vartype AS "type",
         source,
         sourcefile AS "sourceFile",
         sourceline AS "sourceLine",
         pending_restart AS "pendingRestart",
         context,
         boot_val AS "bootValue",
         reset_val AS "resetValue",
         short_desc AS description
    FROM pg_catalog.pg_settings
   WHERE $1::text[] IS NULL OR pg_catalog.lower(name) = ANY ($1::text[])
   ORDER BY name`;
