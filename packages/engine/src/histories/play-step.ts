import { runTool } from "@tidemark/local-postgres";
import type { TestServer } from "@tidemark/testkit";
import type { HistoryStep } from "./history-step.ts";
import { bareColumns } from "./table-steps.ts";

/** Where a history happens. */
export interface HistoryStage {
  readonly server: TestServer;
  /** Databases of the history. */
  readonly database: string;
  readonly sideDatabase: string;
  /** A folder the server can write. */
  readonly folder: string;
}

type PlayedStep = Exclude<HistoryStep, { readonly kind: "backup" }>;

/** Makes the stage's database and what steps need in it. */
export async function prepareStage({ server, database }: HistoryStage): Promise<void> {
  await server.query(`CREATE DATABASE ${database}`);
  await server.query("CREATE EXTENSION bloom", [], { database });
}

export async function clearStage({ server, database, sideDatabase }: HistoryStage): Promise<void> {
  await server.query("ALTER SYSTEM RESET wal_compression");
  for (const name of [database, sideDatabase]) await server.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
}

export async function playStep(stage: HistoryStage, step: PlayedStep): Promise<void> {
  switch (step.kind) {
    case "sql":
      return await runStatements(stage, step);
    case "crash":
      await stage.server.stop({ mode: "immediate" });
      return await stage.server.start();
    case "restart":
      return await stage.server.restart();
    case "same-number":
      return await makeAgain(stage, step);
  }
}

async function runStatements(stage: HistoryStage, step: PlayedStep & { readonly kind: "sql" }): Promise<void> {
  const database = { db: stage.database, side: stage.sideDatabase, postgres: "postgres" }[step.where];
  for (const statement of step.statements) {
    try {
      await stage.server.query(fill(stage, statement), [], { database });
    } catch (error) {
      // A database with tables in the tablespace it is to move to is refused, and nothing happens.
      if (!statement.startsWith("ALTER DATABASE") || !isCode(error, "55000")) throw error;
    }
  }
}

function fill({ database, sideDatabase, folder }: HistoryStage, statement: string): string {
  return statement.replaceAll("{db}", database).replaceAll("{side}", sideDatabase).replaceAll("{folder}", folder);
}

/**
 * Numbers of files are given out in turn and come back only after four billion of them. pg_upgrade chooses its own, with
 * functions that work in its mode alone (-b; pg_upgrade_support.c), which a server without sessions (--single) takes, too.
 */
async function makeAgain(stage: HistoryStage, step: PlayedStep & { readonly kind: "same-number" }): Promise<void> {
  const { server, database } = stage;
  const [file] = await server.query<{ number: string; place: string }>(
    "SELECT c.relfilenode::text AS number, coalesce(t.spcname, 'pg_default') AS place FROM pg_class c LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid = $1::regclass",
    [step.table],
    { database },
  );
  if (file === undefined) throw new Error(`there is no table ${step.table}`);
  await server.query(`DROP TABLE ${step.table}`, [], { database });
  await server.stop();
  const statements = [
    `SELECT binary_upgrade_set_next_pg_type_oid('${step.oid}')`,
    `SELECT binary_upgrade_set_next_array_pg_type_oid('${step.oid + 1}')`,
    `SELECT binary_upgrade_set_next_heap_pg_class_oid('${step.oid + 2}')`,
    `SELECT binary_upgrade_set_next_heap_relfilenode('${file.number}')`,
    `CREATE TABLE ${step.table} (${bareColumns}) TABLESPACE ${file.place}`,
    `INSERT INTO ${step.table} SELECT g, (g % 97)::int, 0 FROM generate_series(1::bigint, ${step.rows}) g`,
  ];
  const { installation } = server.cluster;
  const result = await runTool(installation, "postgres", ["--single", "-b", "-D", server.dataDir, database], {
    input: `${statements.join("\n")}\n`,
  });
  await server.start();
  const [made] = await server.query<{ number: string }>(
    "SELECT relfilenode::text AS number FROM pg_class WHERE oid = $1::regclass",
    [step.table],
    { database },
  );
  if (made?.number !== file.number) throw new Error(`${step.table} did not get its number again: ${result.stderr}`);
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
