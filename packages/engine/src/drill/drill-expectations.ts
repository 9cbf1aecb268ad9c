import { AppError } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import {
  ask,
  catalogQuestionMs,
  type DatabaseWork,
  type DrillCheck,
  failedCheck,
  plainCheck,
} from "./drill-question.ts";
import type { OpenDrillSession } from "./drill-sql.ts";

/** What somebody expects to find in the restored databases. */
export interface DrillExpectations {
  readonly rows: readonly RowExpectation[];
  readonly sql: readonly SqlExpectation[];
  /**
   * How far the count of a large table may be from what the server itself reckoned at its last ANALYZE, in per cent.
   * Null: it is not compared.
   */
  readonly estimateTolerancePercent: number | null;
}

export interface RowExpectation {
  readonly database: string;
  /** As SQL names it: `orders`, `shop.orders`, `"Odd Name".t`; without a schema that of the usual search path. */
  readonly table: string;
  readonly rows: number;
  /** How far the count may be off, in per cent of `rows`. */
  readonly tolerancePercent: number;
}

export interface SqlExpectation {
  readonly name: string;
  readonly database: string;
  /** One statement, asked by a role that reads everything and writes nothing. */
  readonly sql: string;
  /** The rows it must give, each value as text; null for NULL. Numbers as `12`, truth as `true` or `false`. */
  readonly expected: readonly (readonly (string | null)[])[];
  readonly timeoutMs: number;
}

export const noExpectations: DrillExpectations = { rows: [], sql: [], estimateTolerancePercent: null };

/** Counts the tables that somebody has an expectation of. What cannot be counted in time is not as expected. */
export async function checkExpectedRows(
  work: DatabaseWork,
  expectations: readonly RowExpectation[],
  checks: DrillCheck[],
): Promise<void> {
  for (const { table, rows, tolerancePercent } of expectations) {
    throwIfCancelled(work.signal);
    const name = `expected rows of ${work.database}: ${table}`;
    await work.session.query(usualSearchPath, [], catalogQuestionMs);
    const found = await ask(work, "SELECT to_regclass($1)::oid::text AS oid", [table]);
    await work.session.query(emptySearchPath, [], catalogQuestionMs);
    const oid = found.kind === "answered" ? (found.rows[0]?.oid ?? null) : null;
    if (oid === null) {
      const why = found.kind === "failed" ? found.message : "there is no such table";
      checks.push(plainCheck(name, false, why));
      continue;
    }
    // The name as the catalogue has it, so that nothing but a relation's name gets into the question.
    const [named] = await work.session.query("SELECT $1::oid::regclass::text AS name", [oid], catalogQuestionMs);
    const answer = await ask(work, `SELECT count(*)::text AS answer FROM ${named?.name ?? ""}`);
    if (answer.kind === "failed") checks.push(failedCheck(name, answer));
    else if (answer.kind === "missing-library") throw needsLibrary(name);
    else if (answer.kind === "late") checks.push(plainCheck(name, false, "not counted before the time was up"));
    else checks.push(comparedCheck(name, Number(answer.rows[0]?.answer ?? 0), rows, tolerancePercent));
  }
}

/** A count beside the number that was expected. */
export function comparedCheck(name: string, count: number, expected: number, tolerancePercent: number): DrillCheck {
  const ok = Math.abs(count - expected) * 100 <= tolerancePercent * expected;
  const within = tolerancePercent === 0 ? "" : ` within ${tolerancePercent} %`;
  return plainCheck(name, ok, `${count} rows, ${expected} expected${within}`);
}

/** Asks what somebody wrote, read-only, as a role without any rights over the machine. */
export async function checkExpectedAnswers(
  openSession: OpenDrillSession,
  expectations: readonly SqlExpectation[],
  signal: AbortSignal,
): Promise<readonly DrillCheck[]> {
  const checks: DrillCheck[] = [];
  for (const expectation of expectations) {
    throwIfCancelled(signal);
    checks.push(await checkAnswer(openSession, expectation));
  }
  return checks;
}

async function checkAnswer(openSession: OpenDrillSession, expectation: SqlExpectation): Promise<DrillCheck> {
  const name = `query ${expectation.name} on ${expectation.database}`;
  try {
    const session = await openSession(expectation.database);
    try {
      await session.query(usualSearchPath, [], catalogQuestionMs);
      const rows = await session.query(expectation.sql, [], expectation.timeoutMs);
      const found = rows.map((row) => Object.values(row as Readonly<Record<string, unknown>>).map(asText));
      const ok = JSON.stringify(found) === JSON.stringify(expectation.expected);
      return plainCheck(name, ok, ok ? "as expected" : `${shown(found)} instead of ${shown(expectation.expected)}`);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof AppError) || !refusals(error)) throw error;
    const late = error.context.sqlState === "57014";
    return plainCheck(name, false, late ? `no answer within ${expectation.timeoutMs} ms` : error.message);
  }
}

/** The server's own words, or a database that is not there: answers, both. */
function refusals({ code, context }: AppError): boolean {
  return context.sqlState !== undefined || code === "database-unknown" || code === "privilege-missing";
}

function asText(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString("hex")}`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function shown(rows: readonly (readonly (string | null)[])[]): string {
  const text = JSON.stringify(rows);
  return text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text;
}

function needsLibrary(name: string): AppError {
  return new AppError("drill-not-possible", {
    message: `${name}: it needs an extension that is missing here`,
    hint: "install the extension here, or drill on a machine that has it",
  });
}

/** Our sessions have an empty one; a person writes names as PostgreSQL's own default finds them. */
const usualSearchPath = `SELECT pg_catalog.set_config('search_path', '"$user", public', false)`;
const emptySearchPath = "SELECT pg_catalog.set_config('search_path', '', false)";
const shownCharacters = 500;
