import { AppError } from "@tidemark/kit";

/** A name as an SQL identifier. */
export function sqlName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal, whatever standard_conforming_strings is (ruleutils.c, quote_literal). */
export function sqlLiteral(text: string): string {
  const escaped = text.replaceAll("'", "''").replaceAll("\\", "\\\\");
  return text.includes("\\") ? `E'${escaped}'` : `'${escaped}'`;
}

/** A name within a comment: a line's end would let the rest of the name out of it. */
export function commentName(name: string): string {
  return JSON.stringify(name);
}

/** A name in pg_hba.conf: quotes take the meaning from keywords and allow blanks; quotes inside are doubled. */
export function hbaName(name: string): string {
  return sqlName(name).replace(/[\r\n]/g, " ");
}

/**
 * PostgreSQL cuts a longer name (NAMEDATALEN - 1 bytes) and would make another role than the one asked for.
 *
 * @throws AppError `bad-request`.
 */
export function assertName(name: string, what: string): void {
  const bytes = Buffer.byteLength(name, "utf8");
  if (bytes >= 1 && bytes <= 63 && !name.includes("\0")) return;
  throw new AppError("bad-request", { message: `${what} has 1 to 63 bytes, and this one has ${bytes}` });
}
