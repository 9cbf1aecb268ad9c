import { catalogQuestionMs } from "../drill/drill-question.ts";
import type { DrillSession } from "../drill/drill-sql.ts";

export interface ColumnFacts {
  readonly name: string;
  /** Computed from others: it cannot be filled. */
  readonly isGenerated: boolean;
}

export interface TableDefinition {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly columns: readonly ColumnFacts[];
  /** SQL that makes the table, without what its rows would slow down. */
  readonly before: string;
  /** Keys, checks, indexes, and where its sequences stand. Foreign keys are left out: their other side is not there. */
  readonly after: string;
}

/** How a table of a session's database is made; null: there is none of that name. */
export async function describeTable(
  session: DrillSession,
  schema: string,
  table: string,
): Promise<TableDefinition | null> {
  const ask = (sql: string, values: readonly string[]) => session.query(sql, values, catalogQuestionMs);
  const [found] = await ask(
    `SELECT c.oid::text AS oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm')`,
    [schema, table],
  );
  const oid = found?.oid ?? null;
  if (oid === null) return null;
  const name = `${quoteName(schema)}.${quoteName(table)}`;
  const columns = await ask(
    `SELECT a.attname::text AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull::text AS required,
            a.attidentity::text AS identity, a.attgenerated::text AS generated,
            pg_catalog.pg_get_expr(d.adbin, d.adrelid) AS expression,
            pg_catalog.pg_get_serial_sequence($2, a.attname::text) AS sequence
     FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    [oid, name],
  );
  // An identity column makes its own; a serial's default names one that must be there first.
  const serials = columns.filter(({ sequence, identity }) => sequence != null && identity === "");
  const lines = columns.map((column) => `  ${columnLine(column)}`).join(",\n");
  const makes = serials.map(({ sequence }) => `CREATE SEQUENCE IF NOT EXISTS ${sequence};\n`).join("");
  const schemaLine = schema === "public" ? "" : `CREATE SCHEMA IF NOT EXISTS ${quoteName(schema)};\n`;
  const constraints = await ask(
    `SELECT pg_catalog.quote_ident(conname) AS name, pg_catalog.pg_get_constraintdef(oid) AS definition
     FROM pg_catalog.pg_constraint WHERE conrelid = $1::oid AND contype IN ('p', 'u', 'c', 'x') ORDER BY contype DESC, conname`,
    [oid],
  );
  const indexes = await ask(
    `SELECT pg_catalog.pg_get_indexdef(i.indexrelid) AS definition FROM pg_catalog.pg_index i
     WHERE i.indrelid = $1::oid AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint c WHERE c.conindid = i.indexrelid)
     ORDER BY 1`,
    [oid],
  );
  const numbered = columns.filter(({ sequence }) => sequence != null);
  const after = [
    ...constraints.map((one) => `ALTER TABLE ${name} ADD CONSTRAINT ${one.name} ${one.definition};\n`),
    ...indexes.map(({ definition }) => `${definition};\n`),
    ...numbered.map((column) => sequenceLine(name, column)),
  ].join("");
  return {
    name,
    columns: columns.map((column) => ({ name: column.name ?? "", isGenerated: (column.generated ?? "") !== "" })),
    before: `${schemaLine}${makes}CREATE TABLE ${name} (\n${lines}\n);\n\n`,
    after,
  };
}

type CatalogRow = Readonly<Record<string, string | null>>;

function columnLine(column: CatalogRow): string {
  const { type, required, identity, generated, expression } = column;
  const parts = [quoteName(column.name ?? ""), type ?? ""];
  if ((generated ?? "") !== "")
    parts.push(`GENERATED ALWAYS AS (${expression}) ${generated === "v" ? "VIRTUAL" : "STORED"}`);
  else if ((identity ?? "") !== "") parts.push(`GENERATED ${identity === "a" ? "ALWAYS" : "BY DEFAULT"} AS IDENTITY`);
  else if (expression != null) parts.push(`DEFAULT ${expression}`);
  if (required === "true") parts.push("NOT NULL");
  return parts.join(" ");
}

function sequenceLine(table: string, { name, sequence }: CatalogRow): string {
  const column = quoteName(name ?? "");
  const literal = `'${(sequence ?? "").replaceAll("'", "''")}'`;
  return `SELECT setval(${literal}, (SELECT coalesce(max(${column}), 1) FROM ${table}));\n`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
