import { count, plural } from "#lib/format.ts";
import { serverPath, withParams } from "#lib/paths.ts";
import type { FoundMoment, FoundMoments, MomentChange } from "./found-moments-fields.ts";

/** `Deleted 1,234 rows of public.orders`. */
export function changeText({ kind, schema, table, rows }: MomentChange): string {
  const name = `${schema}.${table}`;
  switch (kind) {
    case "DATABASE_DROPPED":
      return "Dropped the database";
    case "DROPPED":
      return `Dropped ${name}`;
    case "TRUNCATED":
      return `Emptied ${name} (TRUNCATE)`;
    case "DELETED":
      return `Deleted ${rowsText(rows)} of ${name}`;
    case "UPDATED":
      return `Updated ${rowsText(rows)} of ${name}`;
    case "REWRITTEN":
      return `Filled ${name} anew: TRUNCATE and a load, or harmless (VACUUM FULL, CLUSTER, a changed column type)`;
  }
}

function rowsText(rows: number | null): string {
  return rows === null ? "rows" : plural(rows, "row");
}

/** What came of a search, before the list. */
export function foundText({ moments, transactions }: FoundMoments): string {
  const among = `among ${plural(transactions, "transaction")}`;
  return moments.length === 0 ? `Nothing of the kind was found ${among}.` : `${count(moments.length)} found ${among}.`;
}

/** The restore wizard with the target just before a moment. A transaction's number names it in the present cluster only. */
export function restoreBeforePath(
  server: { readonly id: string; readonly name: string },
  { xid, commitAt, commitLsn, timeline }: FoundMoment,
  earlierCluster: boolean,
): string {
  const target = earlierCluster ? { at: commitAt } : { xid, lsn: commitLsn };
  return withParams(serverPath(server, "restore"), { ...target, inclusive: "false", timeline: String(timeline) });
}

/** Instants before and after one. */
export function spanAround(ms: number, withinMs: number): { readonly from: string; readonly to: string } {
  return { from: new Date(ms - withinMs).toISOString(), to: new Date(ms + withinMs).toISOString() };
}

/** `orders`, `sales.orders` or with quotes where a name has dots; case stays. Null: it is no name. */
export function readTableName(text: string): { readonly schema?: string; readonly table: string } | null {
  const match = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/.exec(text.trim());
  const [, schema, table] = match ?? [];
  if (table === undefined) return null;
  return schema === undefined ? { table: unquoted(table) } : { schema: unquoted(schema), table: unquoted(table) };
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
