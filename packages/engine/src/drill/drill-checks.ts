import { AppError } from "@tidemark/kit";
import { throwIfCancelled } from "../act.ts";
import { checkBtrees } from "./check-btrees.ts";
import { checkExpectedRows, comparedCheck, type DrillExpectations, noExpectations } from "./drill-expectations.ts";
import {
  ask,
  catalogQuestionMs,
  type DatabaseWork,
  type DrillCheck,
  type DrillCheckOptions,
  failedCheck,
  plainCheck,
} from "./drill-question.ts";
import { type DrillSession, type OpenDrillSession, openAnyDatabase } from "./drill-sql.ts";

/** Counts rows of the largest tables and runs amcheck over the B-trees, in every database that takes connections. */
export async function checkDatabases(
  openSession: OpenDrillSession,
  options: DrillCheckOptions,
  expectations: DrillExpectations = noExpectations,
): Promise<readonly DrillCheck[]> {
  const deadlineMs = options.clock.monotonicMs() + options.budgetMs;
  const checks: DrillCheck[] = [];
  const first = await openLocalized(() => openAnyDatabase(openSession));
  let databases: readonly string[];
  try {
    const recovering = await first.query("SELECT pg_is_in_recovery()::text AS answer", [], catalogQuestionMs);
    checks.push(
      plainCheck("recovered", recovering[0]?.answer === "false", "the server finished its recovery and takes writes"),
    );
    databases = await listDatabases(first);
  } finally {
    await first.close();
  }
  for (const { database, table } of expectations.rows) {
    if (databases.includes(database)) continue;
    checks.push(plainCheck(`expected rows of ${database}: ${table}`, false, "there is no such database"));
  }
  for (const database of databases) {
    throwIfCancelled(options.signal);
    const session = await openLocalized(() => openSession(database));
    try {
      const work: DatabaseWork = { session, database, deadlineMs, ...options };
      const expected = expectations.rows.filter((one) => one.database === database);
      await checkExpectedRows(work, expected, checks);
      await countRows(work, checks, expectations.estimateTolerancePercent);
      await checkBtrees(work, checks);
    } finally {
      await session.close();
    }
  }
  return checks;
}

/** A locale that this machine does not know keeps a database closed here; that says nothing about the data. */
async function openLocalized(open: () => Promise<DrillSession>): Promise<DrillSession> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof AppError && localeRoutines.has(String(error.context.routine)))) throw error;
    throw new AppError("drill-not-possible", {
      message: `a database cannot be opened on this machine: ${error.message}`,
      hint: "install the locale the database was made with, or drill on a machine that has it",
      cause: error,
    });
  }
}

async function listDatabases(session: DrillSession): Promise<readonly string[]> {
  const rows = await session.query(
    "SELECT datname::text FROM pg_database WHERE datallowconn ORDER BY oid",
    [],
    catalogQuestionMs,
  );
  return rows.flatMap(({ datname }) => (datname === null || datname === undefined ? [] : [datname]));
}

/** Reads the largest tables from end to end. Partitions are tables of their own; foreign tables lead outside and are left alone. */
async function countRows(
  work: DatabaseWork,
  checks: DrillCheck[],
  estimateTolerancePercent: number | null,
): Promise<void> {
  const tables = await work.session.query(
    `
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name,
      c.reltuples::bigint::text AS estimate
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND c.relispopulated
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY c.relpages DESC, name LIMIT ${tablesPerDatabase}`,
    [],
    catalogQuestionMs,
  );
  for (const { name, estimate } of tables) {
    throwIfCancelled(work.signal);
    const table = name ?? "";
    const answer = await ask(work, `SELECT count(*)::text AS answer FROM ${table}`);
    const label = `rows of ${work.database}: ${table}`;
    if (answer.kind === "answered") {
      const count = Number(answer.rows[0]?.answer ?? 0);
      // Before the first ANALYZE there is none: -1, and 0 up to 13.
      const reckoned = Number(estimate ?? -1);
      const isCompared = estimateTolerancePercent !== null && reckoned > 0;
      checks.push(
        isCompared
          ? comparedCheck(label, count, reckoned, estimateTolerancePercent)
          : plainCheck(label, true, `${count} rows`),
      );
    } else if (answer.kind === "failed") checks.push(failedCheck(label, answer));
    else checks.push(plainCheck(label, true, `not counted: ${whyNot[answer.kind]}`));
  }
}

const whyNot = {
  late: "the time for checks was up",
  "missing-library": "it needs an extension that is missing here",
} as const;
/** src/backend/utils/init/postinit.c and src/backend/utils/adt/pg_locale*.c. */
const localeRoutines: ReadonlySet<string> = new Set([
  "CheckMyDatabase",
  "make_icu_collator",
  "init_database_collation",
  "create_pg_locale_icu",
]);
const tablesPerDatabase = 5;
