import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { joinCleanup, Secret, systemErrorCode } from "@tidemark/kit";
import {
  initCluster,
  type PostgresInstallation,
  type RunningCluster,
  type ServerSettings,
  startCluster,
} from "@tidemark/local-postgres";
import pg from "pg";
import { clusterPlace } from "./cluster-place.ts";
import type { HomePaths } from "./home.ts";

export interface EmbeddedDatabase {
  readonly cluster: RunningCluster;
  readonly url: Secret;
  /** Where the data directory is, when it could not be in the home. */
  readonly relocatedTo: string | null;
  /** Where the database of a deleted home with the same path was put, else null. */
  readonly setAside: string | null;
}

/**
 * Starts the PostgreSQL that holds metadata and queue, making it the first time. One that outlived a killed
 * supervisor is stopped first; a crash is recovered from by PostgreSQL itself.
 */
export async function startEmbeddedDatabase(
  installation: PostgresInstallation,
  paths: HomePaths,
): Promise<EmbeddedDatabase> {
  const password = await localSecret(join(paths.keys, "database-password"));
  const place = await clusterPlace({
    home: paths.root,
    preferred: paths.database,
    record: join(paths.root, "database.place"),
    password,
    leftover: "set-aside",
  });
  const { dataDir } = place;
  if (place.isNew) await initCluster({ installation, dataDir, superuser, password, settings: clusterSettings });
  await place.settle();
  const cluster = await startCluster({
    installation,
    dataDir,
    superuser,
    password,
    logPath: join(paths.logs, "database.log"),
    lifetime: "detached",
    ifRunning: "stop",
    // Replaying what a crash left can take a while on a slow disk.
    startTimeoutMs: 300_000,
  });
  try {
    await ensureDatabase(cluster, databaseName);
  } catch (error) {
    // Nobody else knows this server yet, and it would outlive us.
    throw await joinCleanup(error, async () => void (await cluster.stop()));
  }
  return {
    cluster,
    url: new Secret(cluster.dsn({ database: databaseName })),
    relocatedTo: place.relocatedTo,
    setAside: place.setAside,
  };
}

/** A password only this home's processes know: read from `path`, or made there (0600). */
export async function localSecret(path: string): Promise<Secret> {
  try {
    return new Secret((await readFile(path, "utf8")).trim());
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
  }
  const made = randomBytes(24).toString("base64url");
  await writeFile(path, `${made}\n`, { mode: 0o600, flag: "wx", flush: true });
  return new Secret(made);
}

async function ensureDatabase(cluster: RunningCluster, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: cluster.dsn(), connectionTimeoutMillis: 10_000 });
  // The query that runs reports a lost connection; without a listener the event would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    const found = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [name]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${name}`);
  } finally {
    await client.end();
  }
}

const superuser = "tidemark";
const databaseName = "tidemark";

/** Small and durable: the rows are the truth about runs, so commits are synchronous and pages have checksums. */
const clusterSettings: ServerSettings = {
  shared_buffers: "64MB",
  max_connections: 100,
  max_wal_size: "256MB",
  wal_level: "minimal",
  max_wal_senders: 0,
  jit: false,
};
