import type { Asker } from "../server/asker.ts";
import type { ServerEvidence } from "./server-evidence.ts";

export interface TablespaceEvidence {
  /** Quoted for SQL. */
  readonly name: string;
  /** Relative for one that was made in place (15+, allow_in_place_tablespaces). */
  readonly path: string;
  /** Databases that have something in it. */
  readonly databases: readonly string[];
  /** Databases that have it as their own, by name. */
  readonly defaultOf: readonly string[];
}

/** A database or collation whose sort order came from another version of the library than the one in use. */
export interface CollationMismatch {
  readonly kind: "database" | "collation";
  /** Quoted for SQL, with its schema. */
  readonly name: string;
  readonly recorded: string;
  readonly actual: string | null;
}

export interface ExtensionLibrary {
  /** As pg_proc names it: `$libdir/postgis-3`, or a path. */
  readonly library: string;
  readonly extension: string | null;
  readonly version: string | null;
}

export async function readTablespaces(asker: Asker): Promise<TablespaceEvidence[]> {
  return await asker.query<TablespaceEvidence>(`
    SELECT pg_catalog.quote_ident(t.spcname) AS name, pg_catalog.pg_tablespace_location(t.oid) AS path,
           ARRAY(SELECT d.datname::text FROM pg_catalog.pg_database d
                  WHERE d.oid IN (SELECT pg_catalog.pg_tablespace_databases(t.oid)) ORDER BY 1) AS databases,
           ARRAY(SELECT d.datname::text FROM pg_catalog.pg_database d WHERE d.dattablespace = t.oid ORDER BY 1) AS "defaultOf"
      FROM pg_catalog.pg_tablespace t
     WHERE t.spcname NOT IN ('pg_default', 'pg_global') ORDER BY t.oid`);
}

/**
 * Databases know a version from 15, collations from 10. Of the collations only those something of this database depends
 * on: initdb brings hundreds that nobody uses.
 */
export async function readCollations(asker: Asker, { major }: ServerEvidence): Promise<CollationMismatch[]> {
  const ofDatabases = `
    SELECT 'database' AS kind, pg_catalog.quote_ident(d.datname) AS name, d.datcollversion AS recorded,
           pg_catalog.pg_database_collation_actual_version(d.oid) AS actual
      FROM pg_catalog.pg_database d WHERE d.datallowconn AND d.datcollversion IS NOT NULL
    UNION ALL`;
  return await asker.query<CollationMismatch>(`
    SELECT * FROM (${major >= 15 ? ofDatabases : ""}
      SELECT 'collation' AS kind, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.collname) AS name,
             c.collversion AS recorded, pg_catalog.pg_collation_actual_version(c.oid) AS actual
        FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
       WHERE c.collversion IS NOT NULL
         AND EXISTS (SELECT FROM pg_catalog.pg_depend d
                      WHERE d.refclassid = 'pg_catalog.pg_collation'::pg_catalog.regclass AND d.refobjid = c.oid)
    ) AS versions
     WHERE recorded IS DISTINCT FROM actual ORDER BY kind DESC, name`);
}

/** Libraries that functions of this database are in; what initdb made (below 16384) is the server's own. */
export async function readLibraries(asker: Asker): Promise<ExtensionLibrary[]> {
  return await asker.query<ExtensionLibrary>(`
    SELECT DISTINCT p.probin AS library, e.extname::text AS extension, e.extversion AS version
      FROM pg_catalog.pg_proc p
      LEFT JOIN pg_catalog.pg_depend d
        ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid AND d.deptype = 'e'
      LEFT JOIN pg_catalog.pg_extension e
        ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND e.oid = d.refobjid
     WHERE p.oid >= 16384 AND p.probin IS NOT NULL
       AND p.prolang = (SELECT l.oid FROM pg_catalog.pg_language l WHERE l.lanname = 'c')
     ORDER BY 1`);
}
