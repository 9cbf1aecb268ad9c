import { AppError } from "@tidemark/kit/app-error";
import {
  formatRowExpectation,
  formatSqlExpectations,
  parseRowExpectation,
  parseSqlExpectations,
  type RowExpectation,
  type SqlExpectation,
} from "@tidemark/kit/drill-expectation-text";

/** What a drill shall find, as two texts a person edits. */
export interface ExpectationDraft {
  /** One table in each line. */
  readonly rows: string;
  readonly sql: string;
}

export interface Expectations {
  readonly rows: RowExpectation[];
  readonly sql: SqlExpectation[];
}

export type ReadExpectations =
  | { readonly ok: true; readonly expectations: Expectations }
  | { readonly ok: false; readonly field: keyof ExpectationDraft; readonly message: string };

/** The same texts as `tidemark server drill-settings` and its files of questions take. */
export function readExpectations(draft: ExpectationDraft): ReadExpectations {
  let field: keyof ExpectationDraft = "rows";
  try {
    const rows = draft.rows
      .split("\n")
      .filter((line) => line.trim() !== "")
      .map(parseRowExpectation);
    field = "sql";
    const sql = draft.sql.trim() === "" ? [] : [...parseSqlExpectations(draft.sql)];
    return { ok: true, expectations: { rows, sql } };
  } catch (error) {
    if (error instanceof AppError) return { ok: false, field, message: error.message };
    throw error;
  }
}

export function expectationDraft({ rows, sql }: Readonly<Record<keyof Expectations, readonly unknown[]>>) {
  return {
    rows: (rows as readonly RowExpectation[]).map(formatRowExpectation).join("\n"),
    sql: formatSqlExpectations(sql as readonly SqlExpectation[]),
  } satisfies ExpectationDraft;
}
