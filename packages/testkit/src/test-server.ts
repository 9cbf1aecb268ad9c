import { mkdir } from "node:fs/promises";
import { Secret } from "@tidemark/kit";
import {
  findServerUser,
  giveTree,
  initCluster,
  type Major,
  type RunningCluster,
  type ServerSettings,
  type StartClusterOptions,
  type StopOptions,
  startCluster,
} from "@tidemark/local-postgres";
import pg from "pg";
import { claimPort } from "./claim-port.ts";
import { showLogOnFailure } from "./log-on-failure.ts";
import { type TempDir, tempDir } from "./temp-dir.ts";
import { testPostgres } from "./test-postgres.ts";

export interface TestServerOptions {
  /** Default 18. */
  readonly major?: Major;
  /** Added to (and winning over) settings that suit a test: replication on, no fsync, small memory. */
  readonly settings?: ServerSettings;
  /** The whole pg_hba.conf. */
  readonly hba?: string;
  readonly superuser?: string;
  readonly password?: string;
  /** Tablespaces made at the start, each in a folder of its own. */
  readonly tablespaces?: readonly string[];
  readonly walSegmentSizeMb?: number;
  /** Page checksums; default on. */
  readonly checksums?: boolean;
  /** How it is started, beyond the settings above. */
  readonly start?: Partial<StartClusterOptions>;
}

/** A real PostgreSQL server of one test. `await using` stops it and removes its files. */
export interface TestServer extends AsyncDisposable {
  readonly major: Major;
  readonly superuser: string;
  readonly password: string;
  /** The folder all its files are in. */
  readonly dir: TempDir;
  /** The running (or last) process; replaced by `start` and `restart`. */
  readonly cluster: RunningCluster;
  readonly dataDir: string;
  readonly port: number;
  /** A connection URI. */
  dsn(options?: { database?: string; user?: string; password?: string | null; via?: "tcp" | "socket" }): string;
  /** Runs one statement as superuser and gives its rows. */
  query<Row extends pg.QueryResultRow = Record<string, unknown>>(
    sql: string,
    values?: readonly unknown[],
    options?: { database?: string },
  ): Promise<Row[]>;
  /** A connected client as superuser; it is closed with the server unless the test does it. */
  client(options?: { database?: string; user?: string; password?: string }): Promise<pg.Client>;
  /** Makes a folder the server may write (a tablespace's, an archive's). */
  folder(name: string): Promise<string>;
  /** Makes a tablespace in a folder of its own and gives that folder. */
  createTablespace(name: string): Promise<string>;
  stop(options?: StopOptions): Promise<void>;
  /** As a crash of the machine's power, but for the kernel's caches. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(changes?: Partial<StartClusterOptions>): Promise<void>;
  restart(changes?: Partial<StartClusterOptions>): Promise<void>;
}

/** Starts a PostgreSQL server of the test's own on a loopback port that stays its own until it is disposed of. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const installation = await testPostgres(options.major ?? 18);
  const dir = await tempDir(`pg${installation.major}`);
  try {
    const password = options.password ?? "tidemark-test";
    const superuser = options.superuser ?? "postgres";
    const { dataDir } = await initCluster({
      installation,
      dataDir: dir.join("data"),
      superuser,
      password: new Secret(password),
      settings: { ...testSettings, ...options.settings },
      sync: false,
      ...pick(options, ["hba", "walSegmentSizeMb", "checksums"]),
    });
    const start = { installation, dataDir, superuser, password: new Secret(password), ...options.start };
    const server = await makeTestServer(dir, start, password);
    for (const name of options.tablespaces ?? []) await server.createTablespace(name);
    return server;
  } catch (error) {
    await dir[Symbol.asyncDispose]();
    throw error;
  }
}

/** Starts a cluster that was made by other means (a copy, a restore) as a test's server with `like`'s login. */
export async function adoptCluster(
  dir: TempDir,
  like: Pick<TestServer, "superuser" | "password"> & { readonly cluster: Pick<RunningCluster, "installation"> },
  options: Partial<StartClusterOptions> & { readonly dataDir: string },
): Promise<TestServer> {
  const { installation } = like.cluster;
  const start = { installation, superuser: like.superuser, password: new Secret(like.password), ...options };
  return await makeTestServer(dir, start, like.password);
}

/** Makes a folder below `dir` that belongs to the account our servers run under. */
export async function serverFolder(dir: TempDir, name: string): Promise<string> {
  const path = dir.join(name);
  await mkdir(path, { recursive: true, mode: 0o700 });
  await giveTree(path, await findServerUser());
  return path;
}

/** No fsync: the machine's power does not fail during a test, and a killed process loses nothing the kernel has. */
const testSettings: ServerSettings = {
  fsync: false,
  wal_level: "replica",
  max_wal_senders: 8,
  max_replication_slots: 8,
  shared_buffers: "16MB",
  max_wal_size: "256MB",
  log_statement: "none",
};

async function makeTestServer(dir: TempDir, start: StartClusterOptions, password: string): Promise<TestServer> {
  const claimed = start.port === undefined ? await claimPort() : null;
  try {
    return await startTestServer(dir, claimed === null ? start : { ...start, port: claimed.port }, password, claimed);
  } catch (error) {
    await claimed?.[Symbol.asyncDispose]();
    throw error;
  }
}

async function startTestServer(
  dir: TempDir,
  start: StartClusterOptions,
  password: string,
  claimed: AsyncDisposable | null,
): Promise<TestServer> {
  const started = await startCluster(start);
  const keepLog = await showLogOnFailure(`PostgreSQL ${start.installation.major} on port ${started.port}`);
  let cluster = started;
  const clients = new Set<pg.Client>();
  const superuser = start.superuser ?? "postgres";
  const server: TestServer = {
    major: start.installation.major,
    superuser,
    password,
    dir,
    get cluster() {
      return cluster;
    },
    dataDir: started.dataDir,
    get port() {
      return cluster.port;
    },
    dsn: (wanted) => cluster.dsn(wanted),
    query: async <Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = [], where = {}) => {
      const client = new pg.Client(cluster.dsn(where));
      await client.connect();
      try {
        return (await client.query<Row>(sql, [...values])).rows;
      } finally {
        await client.end();
      }
    },
    client: async (wanted) => {
      const client = new pg.Client(cluster.dsn(wanted));
      // A server that goes away is what many tests are about; the next query says so.
      client.on("error", () => clients.delete(client));
      client.once("end", () => clients.delete(client));
      await client.connect();
      clients.add(client);
      return client;
    },
    folder: (name) => serverFolder(dir, name),
    createTablespace: async (name) => {
      const path = await server.folder(`tablespace-${name}`);
      await server.query(`CREATE TABLESPACE "${name}" LOCATION '${path}'`);
      return path;
    },
    stop: async (how) => {
      await cluster.stop(how);
    },
    kill: () => cluster.kill(),
    start: async (changes) => {
      cluster = await startCluster({ ...start, port: cluster.port, ...changes });
    },
    restart: async (changes) => {
      await cluster.stop();
      await server.start(changes);
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.allSettled([...clients].map((client) => client.end()));
      await cluster.stop({ mode: "immediate", timeoutMs: 5_000 });
      await keepLog(cluster);
      await dir[Symbol.asyncDispose]();
      await claimed?.[Symbol.asyncDispose]();
    },
  };
  return server;
}

function pick<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Partial<Pick<T, K>> {
  const picked: Partial<Pick<T, K>> = {};
  for (const key of keys) if (from[key] !== undefined) picked[key] = from[key];
  return picked;
}
