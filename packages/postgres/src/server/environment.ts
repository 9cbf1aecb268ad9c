import { AppError } from "@tidemark/kit";
import type { Asker } from "./asker.ts";
import { type AskingRole, readAskingRole } from "./asking-role.ts";

/**
 * What a restored server needs beside its files: the same sorting rules and the same shared libraries. Plain JSON, for
 * a backup's manifest. Of extensions and collations only those of the session's own database can be seen.
 */
export interface ServerEnvironment {
  /** version(): with the platform and the compiler. */
  readonly version: string;
  readonly serverEncoding: string;
  /** Of every database, and those that objects of the session's database use. */
  readonly collations: readonly Collation[];
  /** The version ICU gives its root collation (`und-x-icu`); null without ICU. */
  readonly icuVersion: string | null;
  /** The Unicode version of ICU (icu_unicode_version(), 17+). */
  readonly icuUnicodeVersion: string | null;
  /** The C library's version, as PostgreSQL records it for collations; null where it has no locale but C. */
  readonly libcVersion: string | null;
  /** Named by shared_, session_ and local_preload_libraries and archive_library. */
  readonly libraries: readonly string[];
  /** The first two of those settings are hidden without pg_read_all_settings. */
  readonly librariesHidden: boolean;
  readonly extensionsWithLibraries: readonly ExtensionWithLibraries[];
  /** Libraries of C functions that belong to no extension, as `$libdir/name` or a path. */
  readonly functionLibraries: readonly string[];
}

export interface Collation {
  readonly database: string;
  /** Null: the database's own. */
  readonly name: string | null;
  /** `default` never: libc, icu or builtin (17+). */
  readonly provider: "libc" | "icu" | "builtin";
  /** What sorts: an ICU locale, or LC_COLLATE. */
  readonly locale: string | null;
  /** LC_CTYPE, where it is another. */
  readonly characterType: string | null;
  /** Recorded when it was made or refreshed; null where none is recorded (a database's before 15, C). */
  readonly version: string | null;
  /** What the server's libraries have now; another than `version` means indexes may be out of order. */
  readonly actualVersion: string | null;
}

export interface ExtensionWithLibraries {
  readonly database: string;
  readonly name: string;
  readonly version: string;
  /** As `$libdir/name` or a path. */
  readonly libraries: readonly string[];
}

/** Needs: any login; pg_read_all_settings for the preloaded libraries. Reads no file. */
export async function readEnvironment(asker: Asker, known?: AskingRole): Promise<ServerEnvironment> {
  const role = known ?? (await readAskingRole(asker));
  const [row] = await asker.query<EnvironmentRow>(environmentQuestion(role.major));
  if (row === undefined) throw new AppError("protocol-violation", { message: "the server said nothing of itself" });
  const versions = await readLibraryVersions(asker);
  const functions = await asker.query<FunctionsRow>(functionsQuestion);
  return {
    version: row.version,
    serverEncoding: row.encoding,
    collations: await readCollations(asker, role),
    icuVersion: versions.icu,
    icuUnicodeVersion: row.icu_unicode,
    libcVersion: versions.libc,
    libraries: [...new Set(row.libraries.flatMap(libraryNames))].sort(),
    librariesHidden: !role.readsAllSettings,
    extensionsWithLibraries: functions.flatMap(({ name, version, libraries }) =>
      name === null || version === null ? [] : [{ database: role.database, name, version, libraries }],
    ),
    functionLibraries: functions.find(({ name }) => name === null)?.libraries ?? [],
  };
}

/** Names of a `…_preload_libraries`: separated by commas, in double quotes where they need them (guc.h, GUC_LIST_QUOTE). */
export function libraryNames(setting: string): string[] {
  const names: string[] = [];
  for (const match of setting.matchAll(/"((?:[^"]|"")*)"|([^\s,"]+)/g)) {
    const name = match[1]?.replaceAll('""', '"') ?? match[2] ?? "";
    if (name !== "") names.push(name);
  }
  return names;
}

async function readCollations(asker: Asker, role: AskingRole): Promise<Collation[]> {
  try {
    return await asker.query<Collation>(collationsQuestion(role.major, true));
  } catch (error) {
    // The server cannot open a collator any more that a library's update took away; what is recorded still counts.
    if (!(error instanceof AppError) || error.code !== "server-error") throw error;
    return await asker.query<Collation>(collationsQuestion(role.major, false));
  }
}

async function readLibraryVersions(
  asker: Asker,
): Promise<{ readonly icu: string | null; readonly libc: string | null }> {
  try {
    const [row] = await asker.query<{ readonly icu: string | null; readonly libc: string | null }>(versionsQuestion);
    return row ?? { icu: null, libc: null };
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "server-error") throw error;
    return { icu: null, libc: null };
  }
}

interface EnvironmentRow {
  readonly version: string;
  readonly encoding: string;
  readonly icu_unicode: string | null;
  readonly libraries: readonly string[];
}

interface FunctionsRow {
  readonly name: string | null;
  readonly version: string | null;
  readonly libraries: readonly string[];
}

function environmentQuestion(major: number): string {
  return `
  SELECT pg_catalog.version() AS version,
         pg_catalog.current_setting('server_encoding') AS encoding,
         ${major >= 17 ? "pg_catalog.icu_unicode_version()" : "NULL::text"} AS icu_unicode,
         ARRAY(SELECT setting FROM pg_catalog.pg_settings
                WHERE name IN ('shared_preload_libraries', 'session_preload_libraries',
                               'local_preload_libraries', 'archive_library') AND setting <> '') AS libraries`;
}

/** Any collation that is not C will do: all of a provider have the provider's version (pg_locale.c). */
const versionsQuestion = `
  SELECT (SELECT pg_catalog.pg_collation_actual_version(oid) FROM pg_catalog.pg_collation
           WHERE collname = 'und-x-icu' AND collnamespace = 'pg_catalog'::regnamespace) AS icu,
         (SELECT pg_catalog.pg_collation_actual_version(oid) FROM pg_catalog.pg_collation
           WHERE collprovider = 'c' AND collcollate <> '' AND collcollate !~ '^(C|POSIX)([.@]|$)'
           ORDER BY collname LIMIT 1) AS libc`;

/**
 * pg_depend has a row for each object that uses a collation other than the default (up to 13 also a pin, `p`, for
 * those initdb made). 15 gave databases a provider and a version; 17 renamed daticulocale to datlocale, and
 * colliculocale (15, 16) to colllocale.
 */
function collationsQuestion(major: number, withActual: boolean): string {
  const provider = (column: string): string =>
    `CASE ${column} WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END`;
  const later = (since: number, expression: string): string => (major >= since ? expression : "NULL::text");
  const actual = (since: number, call: string): string => later(since, withActual ? call : "NULL::text");
  const databaseLocale = later(15, major >= 17 ? "d.datlocale" : "d.daticulocale");
  const collationLocale = later(15, major >= 17 ? "c.colllocale" : "c.colliculocale");
  return `
  SELECT d.datname::text AS database, NULL::text AS name,
         ${major >= 15 ? provider("d.datlocprovider") : "'libc'"} AS provider,
         COALESCE(${databaseLocale}, d.datcollate) AS locale,
         d.datctype::text AS "characterType",
         ${later(15, "d.datcollversion")} AS version,
         ${actual(15, "pg_catalog.pg_database_collation_actual_version(d.oid)")} AS "actualVersion"
    FROM pg_catalog.pg_database d
   WHERE d.datallowconn
   UNION ALL
  SELECT pg_catalog.current_database()::text, c.collname::text, ${provider("c.collprovider")},
         COALESCE(${collationLocale}, c.collcollate), c.collctype::text, c.collversion,
         ${actual(13, "pg_catalog.pg_collation_actual_version(c.oid)")}
    FROM pg_catalog.pg_collation c
   WHERE c.collprovider <> 'd'
     AND c.oid IN (SELECT refobjid FROM pg_catalog.pg_depend
                    WHERE refclassid = 'pg_catalog.pg_collation'::regclass AND deptype <> 'p')
   ORDER BY 1, 2 NULLS FIRST`;
}

/** Functions of C have a library in probin; those of PostgreSQL's own below 16384 (transam.h, FirstNormalObjectId). */
const functionsQuestion = `
  SELECT e.extname::text AS name, e.extversion AS version,
         pg_catalog.array_agg(DISTINCT p.probin ORDER BY p.probin) AS libraries
    FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang AND l.lanname = 'c'
    LEFT JOIN pg_catalog.pg_depend d
      ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
     AND d.refclassid = 'pg_catalog.pg_extension'::regclass
    LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
   WHERE p.probin IS NOT NULL AND (e.oid IS NOT NULL OR p.oid >= 16384)
   GROUP BY e.extname, e.extversion
   ORDER BY 1`;
