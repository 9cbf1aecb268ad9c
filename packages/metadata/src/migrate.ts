import { AppError, joinCleanup, newId } from "@tidemark/kit";
import pg from "pg";
import { metadataUnreachable } from "./database-error.ts";
import { isConnectionError } from "./guarded-store.ts";
import { migrationNames, readMigrations, schemaFilter, withSchemaEngine } from "./schema-engine.ts";

export interface MigrateOptions {
  /** How long to wait for the connection; default 10 s. */
  readonly connectTimeoutMs?: number;
}

/**
 * Brings the metadata database to the schema of this code: makes it in an empty database, applies what is missing in an
 * older one. All in one transaction under an advisory lock, so that a crash leaves it as it was and any number of
 * processes may start at once. (Hence no migration may use CREATE INDEX CONCURRENTLY and its like.)
 *
 * Throws `metadata-unreachable`, `version-unsupported` (older than PostgreSQL 15), `database-not-ours` (somebody else's
 * tables are in it; nothing was written) and `schema-newer` (a newer Tidemark has migrated it).
 */
export async function migrate(
  databaseUrl: string,
  options: MigrateOptions = {},
): Promise<{ readonly applied: readonly string[] }> {
  // One connection, never dropped while idle: the engine takes the pool and so works inside our transaction.
  const pool = new pg.Pool({
    ...readUrl(databaseUrl),
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 10_000,
    application_name: "tidemark migrate",
  });
  // The query that runs reports a lost connection; without a listener the event would end the process.
  pool.on("error", () => undefined);
  try {
    await begin(pool);
    try {
      const applied = await migrateInTransaction(pool);
      await pool.query("COMMIT");
      return { applied };
    } catch (error) {
      const first = isConnectionError(error) ? metadataUnreachable(error) : error;
      throw await joinCleanup(first, async () => void (await pool.query("ROLLBACK")));
    }
  } finally {
    await pool.end();
  }
}

/** The lock's key: `tide` in ASCII. Every process that migrates takes it; it ends with the transaction. */
const migrateLockKey = 0x74696465;

/** BullMQ's tables when the queue lives in the same database (packages/jobs); they do not count as somebody else's. */
const queueSchema = "bullmq";

/** First major with everything we and the queue use (`NULLS NOT DISTINCT`, MERGE) that still gets fixes. */
const oldestMajor = 15;

async function begin(pool: pg.Pool): Promise<void> {
  try {
    await pool.query("BEGIN");
    await pool.query("SELECT pg_advisory_xact_lock($1)", [migrateLockKey]);
  } catch (error) {
    throw metadataUnreachable(error);
  }
}

async function migrateInTransaction(pool: pg.Pool): Promise<readonly string[]> {
  await checkVersion(pool);
  await checkOwner(pool);
  await pool.query(prismaLedger);
  await checkNotNewer(pool);
  const applied = await applyMissing(pool);
  await pool.query('INSERT INTO "instance" ("singleton", "id") VALUES (true, $1) ON CONFLICT DO NOTHING', [
    newId("instance"),
  ]);
  return applied;
}

async function checkVersion(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ number: number; text: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS text",
  );
  const version = rows[0];
  if (version === undefined || version.number >= oldestMajor * 10_000) return;
  throw new AppError("version-unsupported", {
    message: `the metadata database runs on PostgreSQL ${version.text}; Tidemark needs ${oldestMajor} or newer for it`,
    hint: "point DATABASE_URL at a newer server; the servers you back up may be older",
  });
}

/** An empty database, or one with our instance table. The names tell apart; nothing has been written yet. */
async function checkOwner(pool: pg.Pool): Promise<void> {
  const { rows } = await pool.query<{ name: string; ours: boolean }>(
    `SELECT n.nspname || '.' || c.relname AS name,
            n.nspname = current_schema() AND c.relname = 'instance' AND EXISTS (
              SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'worker_public_key') AS ours
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', $1) AND n.nspname NOT LIKE 'pg\\_%'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 1`,
    [queueSchema],
  );
  if (rows.length === 0 || rows.some((row) => row.ours)) return;
  const names = rows.slice(0, 3).map((row) => row.name);
  throw new AppError("database-not-ours", {
    message: `the database of DATABASE_URL holds ${rows.length === 1 ? "a table" : `${rows.length} tables`} that Tidemark did not make (${names.join(", ")}${rows.length > 3 ? ", …" : ""})`,
    hint: "nothing was written to it; give Tidemark an empty database of its own, or unset DATABASE_URL if it was meant for another program",
  });
}

async function checkNotNewer(pool: pg.Pool): Promise<void> {
  const known = new Set(migrationNames());
  const { rows } = await pool.query<{ name: string }>(
    'SELECT migration_name AS name FROM "_prisma_migrations" WHERE rolled_back_at IS NULL ORDER BY started_at',
  );
  const unknown = rows.map((row) => row.name).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new AppError("schema-newer", {
    message: `a newer Tidemark has changed the metadata database (${unknown.join(", ")}); this one does not know that form`,
    hint: "start the newer version again; nothing was written and backups are not touched",
  });
}

async function applyMissing(pool: pg.Pool): Promise<readonly string[]> {
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM "_prisma_migrations" WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  );
  // The engine takes a second to load; most starts have nothing for it to do.
  if (rows[0]?.count === migrationNames().length) return [];
  return await withSchemaEngine(pool, async (engine) => {
    const output = await engine.applyMigrations({ migrationsList: readMigrations(), filters: schemaFilter });
    return output.appliedMigrationNames;
  });
}

/** A URL that does not parse is the setting's fault, not the database's. */
function readUrl(databaseUrl: string): pg.PoolConfig {
  try {
    new URL(databaseUrl);
    return { connectionString: databaseUrl };
  } catch (cause) {
    throw new AppError("setting-invalid", {
      message: "DATABASE_URL is not a URL (postgresql://user:password@host:port/database)",
      cause,
    });
  }
}

/**
 * Prisma's ledger as Prisma makes it (schema-engine, sql_migration_persistence). Made here because the engine asks for
 * it with a query that fails when it is missing, which would end our transaction.
 */
const prismaLedger = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  id                  VARCHAR(36) PRIMARY KEY NOT NULL,
  checksum            VARCHAR(64) NOT NULL,
  finished_at         TIMESTAMPTZ,
  migration_name      VARCHAR(255) NOT NULL,
  logs                TEXT,
  rolled_back_at      TIMESTAMPTZ,
  started_at          TIMESTAMPTZ NOT NULL DEFAULT now(),
  applied_steps_count INTEGER NOT NULL DEFAULT 0
)`;
