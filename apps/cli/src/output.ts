/** How results are printed: a table for people, JSON (one array) or ndjson (one object a line) for scripts. */
export type OutputFormat = "table" | "json" | "ndjson";
export const outputFormats: readonly OutputFormat[] = ["table", "json", "ndjson"];

export interface Output {
  readonly format: OutputFormat;
  /** Writes a result to standard output. */
  write(text: string): void;
  /** Writes what is for people only (progress, next steps) to standard error. */
  note(text: string): void;
  /** Standard error is a terminal that can redraw a line. */
  readonly interactive: boolean;
}

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly alignRight?: boolean;
}

/** Prints a list: every row as an object of `json`, or as a line of a table with `columns`. */
export function printList<Row>(
  output: Output,
  rows: readonly Row[],
  json: (row: Row) => object,
  columns: readonly Column<Row>[],
  empty: string,
): void {
  if (output.format === "json") output.write(`${JSON.stringify(rows.map(json), null, 2)}\n`);
  else if (output.format === "ndjson") for (const row of rows) output.write(`${JSON.stringify(json(row))}\n`);
  else if (rows.length === 0) output.note(`${empty}\n`);
  else output.write(formatTable(rows, columns));
}

/** Prints one thing: an object, or `name  value` lines. Facts without a value are left out of the table. */
export function printOne(output: Output, json: object, facts: readonly (readonly [string, string | null])[]): void {
  if (output.format !== "table") {
    output.write(output.format === "json" ? `${JSON.stringify(json, null, 2)}\n` : `${JSON.stringify(json)}\n`);
    return;
  }
  const shown = facts.filter((fact): fact is readonly [string, string] => fact[1] !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  for (const [name, value] of shown) output.write(`${name.padEnd(width)}  ${value}\n`);
}

export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, i) =>
    Math.max(column.title.length, ...cells.map((line) => line[i]?.length ?? 0)),
  );
  const lines = [columns.map((column) => column.title.toUpperCase()), ...cells].map((line) =>
    line
      .map((cell, i) => (columns[i]?.alignRight === true ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** An instant as a table shows it: UTC to the second. */
export function formatInstant(iso: string | null): string {
  return iso === null ? "–" : `${iso.slice(0, 19).replace("T", " ")}Z`;
}

/** GraphQL's `AT_RISK` as scripts and tables see it: `at-risk`. */
export function lowerState(state: string): string {
  return state.toLowerCase().replaceAll("_", "-");
}
