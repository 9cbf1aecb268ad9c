import { AppError, type Clock, formatDuration } from "@tidemark/kit";
import { throwIfCancelled } from "./act.ts";
import type { DrillSession, OpenDrillSession, TextRow } from "./drill-sql.ts";

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

/** Counts rows of the largest tables and runs amcheck over the B-trees, in every database that takes connections. */
export async function checkDatabases(
  openSession: OpenDrillSession,
  options: DrillCheckOptions,
): Promise<readonly DrillCheck[]> {
  const deadlineMs = options.clock.monotonicMs() + options.budgetMs;
  const checks: DrillCheck[] = [];
  const first = await openSession("template1");
  let databases: readonly string[];
  try {
    const recovering = await first.query("SELECT pg_is_in_recovery()::text AS answer", [], questionMs);
    checks.push(
      plainCheck("recovered", recovering[0]?.answer === "false", "the server finished its recovery and takes writes"),
    );
    databases = await listDatabases(first);
  } finally {
    await first.close();
  }
  for (const database of databases) {
    throwIfCancelled(options.signal);
    const session = await openSession(database);
    try {
      const work: DatabaseWork = { session, database, deadlineMs, ...options };
      await countRows(work, checks);
      await checkBtrees(work, checks);
    } finally {
      await session.close();
    }
  }
  return checks;
}

interface DatabaseWork extends DrillCheckOptions {
  readonly session: DrillSession;
  readonly database: string;
  readonly deadlineMs: number;
}

async function listDatabases(session: DrillSession): Promise<readonly string[]> {
  const rows = await session.query(
    "SELECT datname::text FROM pg_database WHERE datallowconn ORDER BY oid",
    [],
    questionMs,
  );
  return rows.flatMap(({ datname }) => (datname === null || datname === undefined ? [] : [datname]));
}

/** Reads the largest tables from end to end. Partitions are tables of their own; foreign tables lead outside and are left alone. */
async function countRows(work: DatabaseWork, checks: DrillCheck[]): Promise<void> {
  const tables = await work.session.query(
    `
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence = 'p' AND c.relispopulated
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY c.relpages DESC, name LIMIT ${tablesPerDatabase}`,
    [],
    questionMs,
  );
  for (const { name } of tables) {
    throwIfCancelled(work.signal);
    const table = name ?? "";
    const answer = await ask(work, `SELECT count(*)::text AS answer FROM ${table}`, []);
    const label = `rows of ${work.database}: ${table}`;
    if (answer.kind === "answered") checks.push(plainCheck(label, true, `${answer.rows[0]?.answer ?? "0"} rows`));
    else if (answer.kind === "failed") checks.push(failedCheck(label, answer));
    else checks.push(plainCheck(label, true, "not counted: the time for checks was up"));
  }
}

/**
 * bt_index_check over the B-trees, smallest first. An index ordered by a collation of another version than this
 * machine's may look wrong without being damaged, so it is left out and counted.
 */
async function checkBtrees(work: DatabaseWork, checks: DrillCheck[]): Promise<void> {
  const label = `B-trees of ${work.database}`;
  const available = await work.session.query(
    "SELECT name::text FROM pg_available_extensions WHERE name = 'amcheck'",
    [],
    questionMs,
  );
  if (available.length === 0) {
    checks.push(plainCheck(label, true, "not checked: these PostgreSQL programs bring no amcheck"));
    return;
  }
  const schema = await installAmcheck(work.session);
  const indexes = await work.session.query(btreeQuery(await hasDatabaseCollationVersion(work.session)), [], questionMs);
  let checked = 0;
  let leftOut = 0;
  let late = 0;
  for (const { oid, name, comparable } of indexes) {
    throwIfCancelled(work.signal);
    if (comparable !== "true") {
      leftOut++;
      continue;
    }
    const answer = await ask(work, `SELECT ${schema}.bt_index_check(index => $1::oid::regclass)::text AS answer`, [
      oid ?? "",
    ]);
    if (answer.kind === "answered") checked++;
    else if (answer.kind === "late") late++;
    else checks.push(failedCheck(`B-tree ${name} of ${work.database}`, answer));
  }
  const parts = [`${checked} checked`];
  if (leftOut > 0) parts.push(`${leftOut} left out (their collation is of another version here)`);
  if (late > 0) parts.push(`${late} not reached within ${formatDuration(work.budgetMs)}`);
  checks.push(plainCheck(label, true, parts.join(", ")));
}

/** It may be there already, in any schema; the copy is thrown away, so adding it harms nobody. */
async function installAmcheck(session: DrillSession): Promise<string> {
  await session.query("CREATE EXTENSION IF NOT EXISTS amcheck SCHEMA pg_catalog", [], questionMs);
  const rows = await session.query(
    "SELECT quote_ident(n.nspname) AS name FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'amcheck'",
    [],
    questionMs,
  );
  return rows[0]?.name ?? "pg_catalog";
}

/** pg_database.datcollversion came with 15. */
async function hasDatabaseCollationVersion(session: DrillSession): Promise<boolean> {
  const rows = await session.query(
    "SELECT attname::text FROM pg_attribute WHERE attrelid = 'pg_database'::regclass AND attname = 'datcollversion'",
    [],
    questionMs,
  );
  return rows.length > 0;
}

/**
 * Every usable B-tree with whether its collations sort here as they did there: none, C or POSIX (950, 951), the
 * database's default (100) when that is C or of the same version, any other of the same version.
 */
function btreeQuery(hasDatabaseVersion: boolean): string {
  const sameDefault = hasDatabaseVersion ? "OR d.datcollversion = pg_database_collation_actual_version(d.oid)" : "";
  return `
    SELECT i.indexrelid::text AS oid, i.indexrelid::regclass::text AS name, coalesce((
      SELECT bool_and(coll = 0 OR co.collcollate IN ('C', 'POSIX')
        OR (coll = 100 AND EXISTS (SELECT 1 FROM pg_database d WHERE d.datname = current_database()
              AND (d.datcollate IN ('C', 'POSIX') ${sameDefault})))
        OR (coll <> 100 AND co.collversion = pg_collation_actual_version(co.oid)))
      FROM unnest(i.indcollation::oid[]) AS coll LEFT JOIN pg_collation co ON co.oid = coll), true)::text AS comparable
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
    WHERE a.amname = 'btree' AND c.relkind = 'i' AND c.relpersistence = 'p' AND i.indisvalid AND i.indisready
    ORDER BY c.relpages, c.oid`;
}

type Answer =
  | { readonly kind: "answered"; readonly rows: readonly TextRow[] }
  | { readonly kind: "late" }
  | { readonly kind: "failed"; readonly message: string; readonly provesDamage: boolean };

async function ask(work: DatabaseWork, sql: string, values: readonly string[]): Promise<Answer> {
  const leftMs = Math.floor(work.deadlineMs - work.clock.monotonicMs());
  if (leftMs <= 0) return { kind: "late" };
  try {
    return { kind: "answered", rows: await work.session.query(sql, values, leftMs) };
  } catch (error) {
    throwIfCancelled(work.signal);
    const state = sqlStateOf(error);
    // query_canceled: our own statement_timeout.
    if (state === "57014") return { kind: "late" };
    const message = error instanceof Error ? error.message : String(error);
    // XX001 data_corrupted, XX002 index_corrupted; amcheck reports with them too.
    return { kind: "failed", message, provesDamage: state === "XX001" || state === "XX002" };
  }
}

function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof AppError)) return null;
  return typeof error.context.sqlState === "string" ? error.context.sqlState : null;
}

function plainCheck(name: string, ok: boolean, detail: string): DrillCheck {
  return { name, ok, detail, provesDamage: false };
}

function failedCheck(name: string, answer: Extract<Answer, { kind: "failed" }>): DrillCheck {
  return { name, ok: false, detail: answer.message, provesDamage: answer.provesDamage };
}

const tablesPerDatabase = 5;
/** For questions about the catalog, which are quick whatever the cluster's size. */
const questionMs = 60_000;
