import type { ServerReport } from "../wire/backend-messages.ts";
import { unexpected, type WireSession } from "./wire-session.ts";

export interface AnswerRows {
  readonly columns: readonly { readonly name: string; readonly type: number }[];
  readonly rows: (Buffer | null)[][];
}

export interface Answer extends AnswerRows {
  /** What the server refused the question with; of FATAL, nothing comes after. */
  readonly error: ServerReport | null;
}

/**
 * Reads the answer to one question of the extended protocol up to ReadyForQuery, or to the error the session ends with.
 *
 * @throws AppError `connection-lost`, `protocol-violation`: the session is of no more use.
 */
export async function readAnswer(wire: WireSession): Promise<Answer> {
  let columns: AnswerRows["columns"] = [];
  const rows: (Buffer | null)[][] = [];
  let error: ServerReport | null = null;
  for (;;) {
    const message = await wire.receive();
    switch (message.kind) {
      case "row-description":
        columns = message.columns.map((name, index) => ({ name, type: message.types[index] ?? 0 }));
        break;
      case "data-row":
        if (message.values.length !== columns.length) throw unexpected("a row of another width than announced");
        rows.push(message.values.map((value) => (value === null ? null : Buffer.from(value))));
        break;
      case "error":
        error ??= message.report;
        if (message.report.severity !== "ERROR") return { columns, rows, error: message.report };
        break;
      case "command-complete":
        break;
      case "ready":
        return { columns, rows, error };
      case "other":
        if (!acknowledgements.has(message.type)) throw unexpected(message.type);
        break;
      default:
        throw unexpected(message.kind);
    }
  }
}

/** ParseComplete, BindComplete, NoData, EmptyQueryResponse, NotificationResponse (PostgreSQL manual, "Message Formats"). */
const acknowledgements: ReadonlySet<string> = new Set(["1", "2", "n", "I", "A"]);
