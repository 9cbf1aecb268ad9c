import { types } from "pg";
import type { ParameterValue } from "../wire/frontend-messages.ts";

/** What may stand for `$1` … in a question; arrays become PostgreSQL arrays. */
export type SqlParameter = string | number | bigint | boolean | Uint8Array | Date | null | readonly string[];

/** A parameter as it goes over the wire: text, but bytes as they are (the server then takes them for bytea). */
export function encodeParameter(parameter: SqlParameter): ParameterValue {
  if (parameter === null || typeof parameter === "string" || parameter instanceof Uint8Array) return parameter;
  if (parameter instanceof Date) return parameter.toISOString();
  if (Array.isArray(parameter)) return encodeArray(parameter);
  return String(parameter);
}

/** PostgreSQL manual, "Array Input and Output Syntax": quotes and backslashes are escaped, everything is quoted. */
function encodeArray(items: readonly string[]): string {
  return `{${items.map((item) => `"${item.replace(/["\\]/g, "\\$&")}"`).join(",")}}`;
}

/** Reads a text value of the type with this OID as the pg driver does; what JavaScript has no type for stays text. */
export function valueReader(typeOid: number): (text: string) => unknown {
  return types.getTypeParser(typeOid, "text") as (text: string) => unknown;
}
