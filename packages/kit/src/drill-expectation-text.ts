import { AppError } from "./app-error.ts";

/** What a table must have, as a person writes it for a drill. */
export interface RowExpectation {
  readonly database: string;
  /** As SQL names it. */
  readonly table: string;
  readonly rows: number;
  readonly tolerancePercent: number;
}

/** A question in SQL and the rows it must give, each value as text. */
export interface SqlExpectation {
  readonly name: string;
  readonly database: string;
  readonly sql: string;
  readonly expected: readonly (readonly (string | null)[])[];
}

/**
 * `shop.public.orders=1000±5%`, or `+-5%`: the database up to the first point, then the table as SQL names it. Throws
 * `bad-request`.
 */
export function parseRowExpectation(text: string): RowExpectation {
  const match = /^\s*([^.=\s]+)\.([^=]+?)\s*=\s*(\d{1,15})\s*(?:(?:±|\+-)\s*(\d{1,3}(?:\.\d+)?)\s*%)?\s*$/.exec(text);
  if (match === null) throw wrong(`database.schema.table=1000 or …=1000±5% (or +-5%) is needed, not ${text.trim()}`);
  const [, database = "", table = "", rows, percent = "0"] = match;
  const tolerancePercent = Number(percent);
  if (tolerancePercent > 100) throw wrong(`a count may be off by at most 100%, not ${percent}%`);
  return { database, table, rows: Number(rows), tolerancePercent };
}

/** What `parseRowExpectation` reads back. */
export function formatRowExpectation({ database, table, rows, tolerancePercent }: RowExpectation): string {
  return `${database}.${table}=${rows}${tolerancePercent === 0 ? "" : `±${tolerancePercent}%`}`;
}

/**
 * Questions as an SQL file has them. Each begins with its name; the answer is one value, or all rows as JSON:
 *
 *     -- name: nobody owes a negative amount
 *     -- database: shop
 *     -- expect: 0
 *     SELECT count(*) FROM invoices WHERE amount < 0
 *
 *     -- name: the two currencies
 *     -- database: shop
 *     -- expect: [["EUR"], ["USD"]]
 *     SELECT code FROM currencies ORDER BY code
 *
 * Throws `bad-request` that names the question.
 */
export function parseSqlExpectations(text: string): readonly SqlExpectation[] {
  const [head = "", ...questions] = text.split(/^--[ \t]*name:/im);
  if (questions.length === 0) throw wrong("no question begins with `-- name:`");
  if (head.replaceAll(/^--.*$/gm, "").trim() !== "") throw wrong("there is SQL before the first `-- name:`");
  return questions.map(parseQuestion);
}

/** What `parseSqlExpectations` reads back. */
export function formatSqlExpectations(questions: readonly SqlExpectation[]): string {
  return questions
    .map(
      ({ name, database, expected, sql }) =>
        `-- name: ${name}\n-- database: ${database}\n-- expect: ${JSON.stringify(expected)}\n${sql}\n`,
    )
    .join("\n");
}

function parseQuestion(question: string): SqlExpectation {
  const [first = "", ...lines] = question.split("\n");
  const name = first.trim();
  if (name === "") throw wrong("a question has no name");
  const said = new Map<string, string>();
  const sql: string[] = [];
  for (const line of lines) {
    const match = /^--[ \t]*(database|expect):(.*)$/i.exec(line);
    if (match === null || sql.some((one) => one.trim() !== "")) sql.push(line);
    else said.set((match[1] ?? "").toLowerCase(), (match[2] ?? "").trim());
  }
  const database = said.get("database") ?? "";
  const expect = said.get("expect");
  if (database === "") throw wrong(`question "${name}" lacks \`-- database:\``);
  if (expect === undefined) throw wrong(`question "${name}" lacks \`-- expect:\``);
  const statement = sql.join("\n").trim().replace(/;$/, "");
  if (statement === "") throw wrong(`question "${name}" has no SQL`);
  const expected = expect.startsWith("[") ? rowsOf(expect) : [[expect]];
  if (expected === null) throw wrong(`question "${name}" expects neither one value nor rows such as [["a", null]]`);
  return { name, database, sql: statement, expected };
}

/** Null for what is no list of rows. */
function rowsOf(text: string): SqlExpectation["expected"] | null {
  let rows: unknown;
  try {
    rows = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(rows) || !rows.every((row) => Array.isArray(row) && row.every(isPlain))) return null;
  return (rows as Plain[][]).map((row) => row.map((value) => (value === null ? null : String(value))));
}

type Plain = string | number | boolean | null;

function isPlain(value: unknown): value is Plain {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function wrong(message: string): AppError {
  return new AppError("bad-request", { message });
}
