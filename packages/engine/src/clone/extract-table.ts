import { AppError } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import { catalogQuestionMs } from "../drill/drill-question.ts";
import type { DrillSession, OpenDrillSession, TextRow } from "../drill/drill-sql.ts";
import { type ColumnFacts, describeTable, quoteName } from "./table-definition.ts";

export interface ExtractRequest {
  readonly database: string;
  readonly schema: string;
  readonly table: string;
  /** `csv`: with a header, NULL as nothing; `sql`: a script that makes the table anew and fills it. */
  readonly format: "csv" | "sql";
}

export interface ExtractReport {
  readonly rows: number;
  readonly characters: number;
}

/**
 * Reads a table of a clone as one transaction sees it and hands it out piece by piece; `write` may wait. Throws
 * `not-found` when there is no such table.
 */
export async function extractTable(
  openSession: OpenDrillSession,
  request: ExtractRequest,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<ExtractReport> {
  const session = await openSession(request.database);
  let rows = 0;
  let characters = 0;
  const put = async (text: string): Promise<void> => {
    characters += text.length;
    await write(text);
  };
  try {
    await session.query("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", [], catalogQuestionMs);
    const definition = await describeTable(session, request.schema, request.table);
    if (definition === null) {
      throw new AppError("not-found", {
        message: `there is no table ${request.schema}.${request.table} in ${request.database}`,
      });
    }
    const stored = definition.columns.filter(({ isGenerated }) => !isGenerated);
    const lineOf = request.format === "csv" ? csvLine : copyLine;
    const columns = stored.map(({ name }) => quoteName(name)).join(", ");
    if (request.format === "sql") {
      await put(`${definition.before}COPY ${definition.name} (${columns}) FROM stdin;\n`);
    } else await put(csvLine(stored.map(({ name }) => name)));
    for await (const batch of readRows(session, definition.name, stored)) {
      throwIfCancelled(signal);
      rows += batch.length;
      await put(batch.map((row) => lineOf(stored.map((_, at) => row[`c${at}`] ?? null))).join(""));
    }
    if (request.format === "sql") await put(`\\.\n\n${definition.after}`);
    await session.query("COMMIT", [], catalogQuestionMs);
    return { rows, characters };
  } finally {
    await session.close();
  }
}

/** Fewer rows at a time when they are wide, so that memory stays small. */
async function* readRows(
  session: DrillSession,
  table: string,
  columns: readonly ColumnFacts[],
): AsyncGenerator<readonly TextRow[]> {
  const list = columns.map(({ name }, at) => `${quoteName(name)}::text AS c${at}`).join(", ");
  await session.query(`DECLARE extract NO SCROLL CURSOR FOR SELECT ${list} FROM ${table}`, [], catalogQuestionMs);
  for (let count = 100; ; ) {
    const rows = await session.query(`FETCH FORWARD ${count} FROM extract`, [], fetchMs);
    if (rows.length === 0) return;
    yield rows;
    const size = rows.reduce(
      (sum, row) => sum + Object.values(row).reduce((all, text) => all + (text?.length ?? 0), 0),
      0,
    );
    const perRow = Math.max(1, size / rows.length);
    count = Math.max(1, Math.min(5_000, Math.floor(batchCharacters / perRow)));
  }
}

/** RFC 4180, as COPY … CSV writes it: an empty text is quoted, so that it is told from NULL. */
export function csvLine(values: readonly (string | null)[]): string {
  const texts = values.map((value) => {
    if (value === null) return "";
    return value === "" || /[",\r\n\\]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
  });
  return `${texts.join(",")}\n`;
}

/** COPY's text format (manual, COPY, "Text Format"). */
export function copyLine(values: readonly (string | null)[]): string {
  const escapes: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const texts = values.map((value) => value?.replaceAll(/[\\\n\r\t]/g, (found) => escapes[found] ?? found) ?? "\\N");
  return `${texts.join("\t")}\n`;
}

const batchCharacters = 1024 * 1024;
const fetchMs = 600_000;
