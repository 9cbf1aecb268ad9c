import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestServer, testServer, waitFor } from "@tidemark/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { migrate } from "./migrate.ts";
import { diffFromMigrations, isEmptyDiff, migrationNames, prismaDir } from "./schema-engine.ts";

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server[Symbol.asyncDispose]());

const fresh = async (name: string) => {
  await server.query(`CREATE DATABASE ${name}`);
  return server.dsn({ database: name });
};
const ask = (database: string, sql: string) => server.query(sql, [], { database });
const relations = async (database: string) =>
  (await ask(database, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).length;

describe("migrate", () => {
  it("makes everything once, also when several processes start at once", async () => {
    const url = await fresh("several");
    const answers = await Promise.all([migrate(url), migrate(url), migrate(url)]);
    expect(answers.map((answer) => answer.applied.length).sort()).toEqual([0, 0, migrationNames().length]);
    expect(await ask("several", "SELECT id FROM instance")).toHaveLength(1);
    expect(await migrate(url)).toEqual({ applied: [] });
    const ledger = await ask(
      "several",
      "SELECT migration_name, finished_at, applied_steps_count FROM _prisma_migrations",
    );
    expect(ledger.map((row) => row.migration_name)).toEqual(migrationNames());
    expect(ledger.every((row) => row.finished_at !== null)).toBe(true);
  });

  it("gives exactly schema.prisma: no drift", async () => {
    const sql = await diffFromMigrations(server.dsn());
    expect(isEmptyDiff(sql), sql).toBe(true);
    // The replay's own database is gone again.
    expect(await server.query("SELECT 1 FROM pg_database WHERE datname LIKE 'tidemark_shadow%'")).toEqual([]);
  });

  it("leaves nothing behind when it is killed in the middle, and succeeds the next time", async () => {
    const url = await fresh("killed");
    const blocker = await server.client({ database: "killed" });
    // The instance row is the last step: a lock on nothing of ours stops it there.
    await blocker.query(
      "CREATE FUNCTION stop() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(42); END $$",
    );
    await blocker.query(
      "CREATE EVENT TRIGGER stop ON ddl_command_end WHEN TAG IN ('CREATE TRIGGER') EXECUTE FUNCTION stop()",
    );
    await blocker.query("SELECT pg_advisory_lock(42)");
    const killed = migrate(url).catch((error: unknown) => error);
    await waitFor(
      async () => {
        const { rowCount } = await blocker.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'tidemark migrate' AND wait_event = 'advisory'",
        );
        return rowCount === 1;
      },
      { what: "the migration to stand at the trigger" },
    );
    expect(await killed).toMatchObject({ code: "metadata-unreachable" });
    await blocker.query("SELECT pg_advisory_unlock(42)");
    expect(await relations("killed")).toBe(0);
    expect((await migrate(url)).applied).toEqual(migrationNames());
  });

  it("makes advice of the words that stood among the settings of older findings", async () => {
    await fresh("older");
    const [first, second] = migrationNames();
    const apply = async (name = "") =>
      ask("older", await readFile(join(prismaDir, "migrations", name, "migration.sql"), "utf8"));
    await apply(first);
    const remedies = [
      ["backup-failed", { settings: "look at the log" }],
      ["connection", { settings: "wal_level = 'replica'", needs: "the server must be restarted for it" }],
      ["wal-level", { sql: "SELECT 1" }],
      ["late", null],
    ] as const;
    for (const [id, remedy] of remedies) {
      const text = remedy === null ? "NULL" : `'${JSON.stringify(remedy).replaceAll("'", "''")}'`;
      await ask(
        "older",
        `INSERT INTO finding (id, check_id, subject_id, severity, title, found, why, remedy)
         VALUES ('${id}', '${id}', 'instance', 'risk', 't', 'f', 'w', ${text})`,
      );
    }
    await apply(second);
    expect(await ask("older", "SELECT id, remedy, read, recheckable FROM finding ORDER BY id")).toEqual([
      { id: "backup-failed", remedy: { advice: "look at the log" }, read: null, recheckable: false },
      {
        id: "connection",
        remedy: { settings: "wal_level = 'replica'", needs: "restart" },
        read: null,
        recheckable: false,
      },
      { id: "late", remedy: null, read: null, recheckable: false },
      { id: "wal-level", remedy: { sql: "SELECT 1" }, read: null, recheckable: false },
    ]);
  });

  it("refuses somebody else's database and writes nothing to it", async () => {
    const url = await fresh("theirs");
    await ask("theirs", "CREATE TABLE orders (id int PRIMARY KEY)");
    await expect(migrate(url)).rejects.toMatchObject({
      code: "database-not-ours",
      message: expect.stringContaining("public.orders"),
    });
    expect(await relations("theirs")).toBe(2);
    const prisma = await fresh("other_prisma");
    await ask("other_prisma", "CREATE TABLE _prisma_migrations (id text); CREATE TABLE instance (id text)");
    await expect(migrate(prisma)).rejects.toMatchObject({ code: "database-not-ours" });
  });

  it("takes an empty database that holds an extension or the queue's tables", async () => {
    const url = await fresh("queue_first");
    await ask("queue_first", "CREATE SCHEMA bullmq; CREATE TABLE bullmq.job (id int)");
    expect((await migrate(url)).applied).toEqual(migrationNames());
  });

  it("refuses a database that a newer version has changed", async () => {
    const url = await fresh("newer");
    await migrate(url);
    await ask(
      "newer",
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at) VALUES ('x', 'y', '29990101000000_wonder', now())",
    );
    await expect(migrate(url)).rejects.toMatchObject({
      code: "schema-newer",
      message: expect.stringContaining("29990101000000_wonder"),
    });
  });

  it("says what is wrong with the connection, without the password", async () => {
    const cases = [
      server.dsn({ password: "geheim" }),
      server.dsn({ database: "nirgends" }),
      "postgresql://u:geheim@127.0.0.1:1/x",
    ];
    for (const url of cases) {
      const error = await migrate(url, { connectTimeoutMs: 2_000 }).catch((caught: unknown) => caught);
      expect(error).toMatchObject({ code: "metadata-unreachable" });
      expect(String(error)).not.toContain("geheim");
    }
    await expect(migrate("nonsense")).rejects.toMatchObject({ code: "setting-invalid" });
  });
});

it("refuses PostgreSQL before 15 with a sentence", async () => {
  const old = await testServer({ major: 14 });
  try {
    await expect(migrate(old.dsn())).rejects.toMatchObject({
      code: "version-unsupported",
      message: expect.stringContaining("14."),
    });
  } finally {
    await old[Symbol.asyncDispose]();
  }
});
