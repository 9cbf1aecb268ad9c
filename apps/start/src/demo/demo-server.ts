import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError, Secret, systemErrorCode } from "@tidemark/kit";
import {
  freePort,
  initCluster,
  type PostgresInstallation,
  type RunningCluster,
  startCluster,
} from "@tidemark/local-postgres";
import pg from "pg";
import { clusterPlace } from "../cluster-place.ts";
import { localSecret } from "../embedded-database.ts";
import { exists, type HomePaths } from "../home.ts";
import { demoIndexes, demoRows, demoSchema } from "./demo-data.ts";

export interface DemoServer {
  readonly cluster: RunningCluster;
  /** What a DBA would paste: the role `tidemark`, which may replicate and look at statistics, nothing more. */
  readonly dsn: Secret;
  /** For the trickle of changes: the owner of the shop. */
  readonly shopDsn: string;
  readonly relocatedTo: string | null;
}

/**
 * Starts the demo's PostgreSQL 18, making it with its data the first time. Half-made data (killed meanwhile) are
 * dropped and made again; a finished one is never touched.
 */
export async function startDemoServer(
  installation: PostgresInstallation,
  paths: HomePaths,
  onStarted: (cluster: RunningCluster) => void,
): Promise<DemoServer> {
  const password = await localSecret(join(paths.keys, "demo-superuser-password"));
  const rolePassword = await localSecret(join(paths.keys, "demo-role-password"));
  const place = await clusterPlace({
    home: paths.root,
    preferred: join(paths.demo, "data"),
    record: join(paths.demo, "data.place"),
    password,
    leftover: "remove",
  });
  const { dataDir } = place;
  if (place.isNew) await initCluster({ installation, dataDir, password, settings: demoSettings, hba: demoHba });
  await place.settle();
  const cluster = await startOnKeptPort(paths, {
    installation,
    dataDir,
    password,
    logPath: join(paths.logs, "demo.log"),
    lifetime: "detached",
    ifRunning: "stop",
    startTimeoutMs: 300_000,
  });
  onStarted(cluster);
  const ready = join(paths.demo, "ready");
  if (!(await exists(ready))) {
    await fillShop(cluster, rolePassword);
    await writeFile(ready, "the demo's data are complete\n", { mode: 0o600, flush: true });
  }
  return {
    cluster,
    dsn: new Secret(
      `${cluster.dsn({ user: "tidemark", password: rolePassword.reveal(), database: "shop" })}?sslmode=disable`,
    ),
    shopDsn: cluster.dsn({ database: "shop" }),
    relocatedTo: place.relocatedTo,
  };
}

/** The same port every time, so that what is registered stays true; another one only when that is taken. */
async function startOnKeptPort(paths: HomePaths, options: Parameters<typeof startCluster>[0]): Promise<RunningCluster> {
  const file = join(paths.demo, "port");
  const kept = await readPort(file);
  if (kept !== null) {
    try {
      return await startCluster({ ...options, port: kept });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "port-taken") throw error;
    }
  }
  const cluster = await startCluster({ ...options, port: await freePort() });
  await writeFile(`${file}.new`, `${cluster.port}\n`, { mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
  return cluster;
}

async function readPort(file: string): Promise<number | null> {
  try {
    const port = Number((await readFile(file, "utf8")).trim());
    return Number.isInteger(port) && port > 0 && port < 65_536 ? port : null;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return null;
    throw error;
  }
}

async function fillShop(cluster: RunningCluster, rolePassword: Secret): Promise<void> {
  await withClient(cluster.dsn(), async (client) => {
    await client.query("DROP DATABASE IF EXISTS shop WITH (FORCE)");
    const role = await client.query("SELECT 1 FROM pg_roles WHERE rolname = 'tidemark'");
    const verb = role.rowCount === 0 ? "CREATE" : "ALTER";
    await client.query(
      `${verb} ROLE tidemark LOGIN REPLICATION PASSWORD ${client.escapeLiteral(rolePassword.reveal())}`,
    );
    await client.query("GRANT pg_monitor TO tidemark");
    await client.query("CREATE DATABASE shop");
  });
  await withClient(cluster.dsn({ database: "shop" }), async (client) => {
    await client.query("CREATE EXTENSION amcheck");
    // A crash in between drops and fills again, so the load need not wait for the disk at every commit.
    await client.query("SET synchronous_commit = off");
    for (const statement of [...demoSchema, ...demoRows, ...demoIndexes]) await client.query(statement);
    await client.query("CHECKPOINT");
  });
}

async function withClient(dsn: string, act: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: dsn, connectionTimeoutMillis: 10_000 });
  // The query that runs reports a lost connection; without a listener the event would end the process.
  client.on("error", () => undefined);
  await client.connect();
  try {
    await act(client);
  } finally {
    await client.end();
  }
}

const demoSettings = {
  wal_level: "replica",
  max_wal_senders: 10,
  shared_buffers: "64MB",
  max_connections: 40,
  max_wal_size: "192MB",
  maintenance_work_mem: "64MB",
  summarize_wal: true,
  jit: false,
} as const;

/** As a DBA would write it: passwords everywhere, and one line that lets Tidemark's role replicate from this machine. */
const demoHba = `# TYPE  DATABASE     USER      ADDRESS       METHOD
local   all          all                     scram-sha-256
host    all          all       127.0.0.1/32  scram-sha-256
host    replication  tidemark  127.0.0.1/32  scram-sha-256
`;
