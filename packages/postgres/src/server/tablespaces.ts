import type { Asker } from "./asker.ts";

/** A tablespace of its own place; pg_default and pg_global are the data directory itself. */
export interface Tablespace {
  readonly oid: number;
  readonly name: string;
  /** As the link in pg_tblspc says; relative to the data directory for one made in place (15+, for developers). */
  readonly path: string;
  /** By the paths as they are written, links not followed. Null without pg_read_all_settings. */
  readonly insideDataDirectory: boolean | null;
}

/**
 * Needs: any login; pg_read_all_settings for `insideDataDirectory`. Reads one link per tablespace, never a size.
 */
export async function readTablespaces(asker: Asker): Promise<Tablespace[]> {
  const rows = await asker.query<TablespaceRow>(question);
  return rows.map(({ oid, name, path, data_directory }) => ({
    oid,
    name,
    path,
    insideDataDirectory: isInside(path, data_directory),
  }));
}

/** Whether a path of the server is the data directory or below it; null while the data directory is not known. */
export function isInside(path: string, dataDirectory: string | null): boolean | null {
  if (!path.startsWith("/") && !/^[A-Za-z]:[\\/]/.test(path)) return true;
  if (dataDirectory === null) return null;
  const place = withoutTrailingSlash(path);
  const root = withoutTrailingSlash(dataDirectory);
  return place === root || place.startsWith(`${root === "/" ? "" : root}/`);
}

function withoutTrailingSlash(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}

interface TablespaceRow {
  readonly oid: number;
  readonly name: string;
  readonly path: string;
  readonly data_directory: string | null;
}

/** Tablespaces of initdb have no place of their own: pg_tablespace_location() is empty for them. */
const question = `
  SELECT t.oid::int8::float8 AS oid, t.name, t.path,
         (SELECT setting FROM pg_catalog.pg_settings WHERE name = 'data_directory') AS data_directory
    FROM (SELECT oid, spcname::text AS name, pg_catalog.pg_tablespace_location(oid) AS path
            FROM pg_catalog.pg_tablespace) t
   WHERE t.path <> ''
   ORDER BY t.oid`;
