import { AppError } from "@tidemark/kit";

/**
 * Splits `key = value` pairs as libpq's conninfo_parse does: white space around `=` is allowed, a value is a word or
 * in single quotes, a backslash takes the next character as it is, a later key replaces an earlier one.
 *
 * @throws AppError `dsn-invalid`.
 */
export function splitKeyValueDsn(text: string): Map<string, string> {
  const pairs = new Map<string, string>();
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const start = at;
    while (at < text.length && text[at] !== "=" && !isSpace(text, at)) at++;
    const key = text.slice(start, at);
    at = skipSpace(text, at);
    if (text[at] !== "=" || key === "") throw malformed(pairs.size);
    at = skipSpace(text, at + 1);
    const [value, end] = text[at] === "'" ? quotedValue(text, at + 1) : plainValue(text, at);
    pairs.set(key, value);
    at = skipSpace(text, end);
  }
  return pairs;
}

function plainValue(text: string, from: number): [string, number] {
  let value = "";
  let at = from;
  while (at < text.length && !isSpace(text, at)) {
    if (text[at] === "\\") at++;
    value += text[at] ?? "";
    at++;
  }
  return [value, at];
}

function quotedValue(text: string, from: number): [string, number] {
  let value = "";
  for (let at = from; at < text.length; at++) {
    if (text[at] === "'") return [value, at + 1];
    if (text[at] === "\\") at++;
    value += text[at] ?? "";
  }
  throw new AppError("dsn-invalid", { message: "the connection string cannot be used: a quote is not closed" });
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (at < text.length && isSpace(text, at)) at++;
  return at;
}

/** C's isspace(), as libpq asks it: other blanks of Unicode belong to a value. */
function isSpace(text: string, at: number): boolean {
  return /[ \t\n\v\f\r]/.test(text[at] ?? "");
}

function malformed(pairsBefore: number): AppError {
  const where =
    pairsBefore === 0
      ? "it is neither a postgresql:// URI nor key=value pairs"
      : `"=" is missing after pair ${pairsBefore}`;
  return new AppError("dsn-invalid", {
    message: `the connection string cannot be used: ${where}`,
    hint: "for example postgresql://tidemark:password@db.example.com:5432/postgres?sslmode=require",
  });
}
