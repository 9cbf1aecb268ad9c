import { AppError, type Clock } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import type { DrillSession, TextRow } from "./drill-sql.ts";

/** What was asked of the restored server, and what it said. */
export interface DrillCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** A failed one proves that the stored bytes are bad, not only that the server could not answer. */
  readonly provesDamage: boolean;
}

export interface DrillCheckOptions {
  /** For all checks together; what does not fit is counted and said. */
  readonly budgetMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** One database of the restored server, and the time its questions have. */
export interface DatabaseWork extends DrillCheckOptions {
  readonly session: DrillSession;
  readonly database: string;
  readonly deadlineMs: number;
}

/**
 * What came of a question. `missing-library`: a type or operator of the cluster lives in an extension that these
 * programs do not bring, which says nothing about the data.
 */
export type Answer =
  | { readonly kind: "answered"; readonly rows: readonly TextRow[] }
  | { readonly kind: "late" }
  | { readonly kind: "missing-library" }
  | { readonly kind: "failed"; readonly message: string; readonly provesDamage: boolean };

/** Asks within the time that is left. A refusal is an answer; a lost session or a cancelled act is thrown. */
export async function ask(work: DatabaseWork, sql: string, values: readonly string[] = []): Promise<Answer> {
  const leftMs = Math.floor(work.deadlineMs - work.clock.monotonicMs());
  if (leftMs <= 0) return { kind: "late" };
  try {
    return { kind: "answered", rows: await work.session.query(sql, values, leftMs) };
  } catch (error) {
    throwIfCancelled(work.signal);
    if (!(error instanceof AppError) || error.context.sqlState === undefined) throw error;
    const { sqlState, routine } = error.context;
    // query_canceled: our own statement_timeout.
    if (sqlState === "57014") return { kind: "late" };
    if (libraryRoutines.has(String(routine))) return { kind: "missing-library" };
    return { kind: "failed", message: error.message, provesDamage: damageStates.has(String(sqlState)) };
  }
}

export function plainCheck(name: string, ok: boolean, detail: string): DrillCheck {
  return { name, ok, detail, provesDamage: false };
}

export function failedCheck(name: string, answer: Extract<Answer, { kind: "failed" }>): DrillCheck {
  return { name, ok: false, detail: answer.message, provesDamage: answer.provesDamage };
}

/** src/backend/utils/fmgr/dfmgr.c: what reports a library that is missing or does not fit. */
const libraryRoutines: ReadonlySet<string> = new Set([
  "internal_load_library",
  "incompatible_module_error",
  "load_external_function",
]);
/** data_corrupted and index_corrupted; amcheck reports with them, too. */
const damageStates: ReadonlySet<string> = new Set(["XX001", "XX002"]);
/** Time limit of questions about the catalog, which are quick whatever the cluster's size. */
export const catalogQuestionMs = 60_000;
