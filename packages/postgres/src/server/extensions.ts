import type { Asker } from "./asker.ts";

/** An extension installed in the database of the session. */
export interface Extension {
  readonly name: string;
  readonly version: string;
  readonly comment: string | null;
}

/** Needs: any login. */
export async function readExtensions(asker: Asker): Promise<Extension[]> {
  return await asker.query<Extension>(`
    SELECT extname::text AS name, extversion AS version,
           pg_catalog.obj_description(oid, 'pg_extension') AS comment
      FROM pg_catalog.pg_extension
     ORDER BY 1`);
}
