import { AppError } from "@tidemark/kit";
import { z } from "zod";

export interface SqlExpectation {
  readonly name: string;
  readonly database: string;
  readonly sql: string;
  readonly expected: readonly (readonly (string | null)[])[];
}

/**
 * Questions of a drill as an SQL file has them. Each begins with its name; the answer is one value, or all rows as JSON:
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
 * Throws `bad-request` that names file and question.
 */
export function parseSqlExpectations(text: string, file: string): readonly SqlExpectation[] {
  const [head = "", ...questions] = text.split(/^--[ \t]*name:/im);
  if (questions.length === 0) throw wrong(file, "no question begins with `-- name:`");
  if (head.replaceAll(/^--.*$/gm, "").trim() !== "") throw wrong(file, "there is SQL before the first `-- name:`");
  return questions.map((question) => parseQuestion(question, file));
}

function parseQuestion(question: string, file: string): SqlExpectation {
  const [first = "", ...lines] = question.split("\n");
  const name = first.trim();
  if (name === "") throw wrong(file, "a question has no name");
  const said = new Map<string, string>();
  const sql: string[] = [];
  for (const line of lines) {
    const match = /^--[ \t]*(database|expect):(.*)$/i.exec(line);
    if (match === null || sql.some((one) => one.trim() !== "")) sql.push(line);
    else said.set((match[1] ?? "").toLowerCase(), (match[2] ?? "").trim());
  }
  const database = said.get("database") ?? "";
  const expect = said.get("expect");
  if (database === "") throw wrong(file, `question "${name}" lacks \`-- database:\``);
  if (expect === undefined) throw wrong(file, `question "${name}" lacks \`-- expect:\``);
  const statement = sql.join("\n").trim().replace(/;$/, "");
  if (statement === "") throw wrong(file, `question "${name}" has no SQL`);
  return { name, database, sql: statement, expected: answerOf(expect, name, file) };
}

const Rows = z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()])));

function answerOf(text: string, name: string, file: string): SqlExpectation["expected"] {
  if (!text.startsWith("[")) return [[text]];
  const rows = Rows.safeParse(jsonOf(text));
  if (!rows.success) throw wrong(file, `question "${name}" expects neither one value nor rows such as [["a", null]]`);
  return rows.data.map((row) => row.map((value) => (value === null ? null : String(value))));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: the shape says so
  }
}

function wrong(file: string, why: string): AppError {
  return new AppError("bad-request", { message: `--sql-file ${file}: ${why}` });
}
