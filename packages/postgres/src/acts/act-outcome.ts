import { AppError, type ErrorCode } from "@tidemark/kit";
import type { QuestionOptions } from "../session/sql-session.ts";

/** An act's time limits: those of each of its questions. */
export type ActOptions = QuestionOptions;

/**
 * Puts one act to the server. When the answer got lost (the session ended, the time was up), the error says that the
 * act may or may not have happened; nothing is claimed either way.
 */
export async function act<T>(what: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof AppError) || !isOutcomeOpen(error)) throw error;
    throw new AppError(error.code, {
      message: `${what}: ${error.message}; whether it happened is not known`,
      hint: "look at the server before asking again",
      context: { ...error.context, outcomeUnknown: true },
      cause: error,
    });
  }
}

/** Codes of a session that ended before the answer came. */
const lostCodes: ReadonlySet<ErrorCode> = new Set([
  "connection-lost",
  "connection-timeout",
  "cancelled",
  "server-shutting-down",
  "protocol-violation",
]);

/** 57014: a statement that ran out of time may have done its work (errcodes.txt, query_canceled). */
function isOutcomeOpen(error: AppError): boolean {
  return lostCodes.has(error.code) || error.context.sqlState === "57014";
}

/** For rows PostgreSQL always gives. */
export function onlyRow<Row>(rows: readonly Row[], what: string): Row {
  const [row] = rows;
  if (row === undefined) throw new AppError("protocol-violation", { message: `the server gave no row for ${what}` });
  return row;
}
