/**
 * One thing that happens to a server in a generated history. `{db}` and `{side}` in statements stand for the history's
 * databases, `{folder}` for a folder that the server can write.
 */
export type HistoryStep =
  | {
      readonly kind: "sql";
      readonly what: string;
      readonly where: "db" | "side" | "postgres";
      /** Each in a transaction of its own, unless it says BEGIN. */
      readonly statements: readonly string[];
    }
  /** SIGQUIT to the server and start: what was not written down is replayed. */
  | { readonly kind: "crash" }
  | { readonly kind: "restart" }
  /**
   * Drops a table, and makes another one of the same file number: the server is started with -b (binary upgrade), where
   * numbers can be given.
   */
  | { readonly kind: "same-number"; readonly table: string; readonly rows: number; readonly oid: number }
  | {
      readonly kind: "backup";
      readonly reading: "auto" | "full";
      /** Restore it as well, start it, and compare its rows. */
      readonly restored: boolean;
    };

export type IndexKind = "btree" | "hash" | "gin" | "gist" | "spgist" | "brin" | "bloom";

export function describeStep(step: HistoryStep): string {
  switch (step.kind) {
    case "sql":
      return `${step.what}${step.where === "db" ? "" : ` [${step.where}]`}`;
    case "same-number":
      return `drop ${step.table} and make it again with the same file number, ${step.rows} rows`;
    case "backup":
      return `backup (${step.reading}${step.restored ? ", restored" : ""})`;
    case "crash":
    case "restart":
      return step.kind;
  }
}
