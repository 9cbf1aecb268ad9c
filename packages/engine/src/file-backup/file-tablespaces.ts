import { parseTablespaceMap, type SqlSession } from "@tidemark/postgres";
import type { ClusterFiles } from "./cluster-files.ts";

export interface LocatedTablespace {
  readonly oid: number;
  /** Where it is on the server; relative to the data directory when `isInPlace`. */
  readonly path: string;
  /** A folder of pg_tblspc itself (allow_in_place_tablespaces), in no tablespace_map. */
  readonly isInPlace: boolean;
}

/**
 * The tablespaces whose links are in `pg_tblspc` now, which is where the server looks too: the catalog knows one only
 * once its transaction has ended.
 */
export async function listTablespaces(session: SqlSession, files: ClusterFiles): Promise<readonly LocatedTablespace[]> {
  const entries = (await files.list("pg_tblspc")) ?? [];
  const oids = entries
    .flatMap(({ name }) => (/^[1-9]\d*$/.test(name) ? [name] : []))
    .sort((a, b) => Number(a) - Number(b));
  if (oids.length === 0) return [];
  const rows = await session.query<{ oid: string; path: string }>(locationsQuestion, [oids]);
  return rows.map(({ oid, path }) => ({ oid: Number(oid), path, isInPlace: !path.startsWith("/") }));
}

const locationsQuestion = `
  SELECT oid, pg_catalog.pg_tablespace_location(oid::oid) AS path
    FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY AS listed (oid, place)
   ORDER BY place`;

export function tablespacesInMap(map: Uint8Array): ReadonlySet<number> {
  return new Set(parseTablespaceMap(map).map(({ oid }) => oid));
}
