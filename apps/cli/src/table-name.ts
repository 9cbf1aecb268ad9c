import { AppError } from "@tidemark/kit";

export interface TableName {
  /** Null: not said. */
  readonly schema: string | null;
  readonly table: string;
}

/**
 * `orders`, `sales.orders`, `"Odd schema"."a.b"`. Unlike in SQL, case stays as it is written: names are compared with what
 * PostgreSQL stores. Throws `bad-request`.
 */
export function parseTableName(text: string): TableName {
  const match = /^(?:("(?:[^"]|"")+"|[^".]+)\.)?("(?:[^"]|"")+"|[^".]+)$/.exec(text);
  const [, schema, table] = match ?? [];
  if (table === undefined) {
    throw new AppError("bad-request", {
      message: `--table takes a name such as orders, sales.orders or '"Odd schema"."a.b"', not ${text}`,
    });
  }
  return { schema: schema === undefined ? null : unquoted(schema), table: unquoted(table) };
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}
