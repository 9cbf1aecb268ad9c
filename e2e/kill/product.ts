import { randomBytes } from "node:crypto";
import { join, resolve } from "node:path";
import { openQueues, type QueuePlace, type Queues, type RunKind, type RunRequestInput } from "@tidemark/jobs";
import { createLogger } from "@tidemark/kit/logger";
import { seal } from "@tidemark/kit/sealed-text";
import {
  type FinalRunState,
  isFinalRunState,
  type Metadata,
  migrate,
  openMetadata,
  type Run,
} from "@tidemark/metadata";
import {
  createRepository,
  newRepositoryKey,
  openRepository,
  type Repository,
  type RepositoryKey,
  type ServerArea,
} from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { type TempDir, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { type ChildProgram, startProgram } from "./child-program.ts";
import { createKillOrder, type KillOrder } from "./kill-order.ts";

export interface ProductOptions {
  /** Given: the queue hangs on that Redis. */
  readonly redisUrl?: string;
  /** Where the repository is; default a folder of the home. */
  readonly repositoryDir?: string;
}

/** The running product: metadata PostgreSQL, worker processes, a managed server with a repository attached. */
export interface Product extends AsyncDisposable {
  readonly home: TempDir;
  readonly metadataServer: TestServer;
  readonly managed: TestServer;
  readonly metadata: Metadata;
  readonly queues: Queues;
  readonly order: KillOrder;
  readonly databaseUrl: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly serverId: string;
  readonly repositoryId: string;
  readonly policyId: string;
  /** The repository as the test reads it, beside the workers. */
  readonly area: ServerArea;
  readonly repositoryDir: string;
  /** The worker that runs now (the first of several). */
  readonly worker: ChildProgram;
  /** Starts one (more) worker process. */
  startWorker(): Promise<ChildProgram>;
  /** Makes a run and rings for it, as the api does. */
  request<K extends RunKind>(kind: K, request: RunRequestInput<K>, about?: { backupId?: string }): Promise<Run>;
  /** Waits for the end of a run. */
  ended(runId: string): Promise<Run>;
  /** Waits for its end and throws unless it ended so. */
  endedAs(runId: string, state: FinalRunState): Promise<Run>;
}

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(stack, options);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function assemble(stack: AsyncDisposableStack, options: ProductOptions): Promise<Product> {
  const [metadataServer, managed, home] = await Promise.all([
    testServer({ settings: { max_connections: 100 } }),
    testServer({ walSegmentSizeMb: 1, tablespaces: ["aside"] }),
    tempDir("home"),
  ]);
  for (const part of [home, metadataServer, managed]) stack.use(part);
  await fillManaged(managed);
  await metadataServer.query("CREATE DATABASE tidemark");
  const databaseUrl = metadataServer.dsn({ database: "tidemark" });
  await migrate(databaseUrl);
  const logger = createLogger({ name: "test", level: process.env.TEST_LOG === undefined ? "silent" : "debug" });
  const metadata = openMetadata({ url: databaseUrl, logger });
  stack.defer(() => metadata.close());
  const place: QueuePlace = options.redisUrl === undefined ? { databaseUrl } : { redisUrl: options.redisUrl };
  const queues = await openQueues(place, { logger });
  stack.defer(() => queues.close());
  const order = createKillOrder({ order: home.join("kill-order"), mark: home.join("kill-mark") });
  const environment = {
    DATABASE_URL: databaseUrl,
    TIDEMARK_HOME: home.path,
    ...(options.redisUrl === undefined ? {} : { REDIS_URL: options.redisUrl }),
  };
  const workers = trackWorkers(stack, {
    ...environment,
    FRAME_THREADS: "1",
    TIDEMARK_TEST_GRACE_MS: "0",
    ...order.environment,
  });
  await workers.start();
  const runs = runActs(metadata, () => workers.said());
  const repositoryDir = options.repositoryDir ?? home.join("repository");
  const { repositoryId, key } = await attachRepository({ metadata, queues, ...runs }, repositoryDir);
  const { serverId, policyId } = await registerServer(metadata, managed, repositoryId);
  const repository: Repository = await openRepository(new FilesystemStore(repositoryDir), { key });
  stack.defer(() => repository.close());
  return {
    home,
    metadataServer,
    managed,
    metadata,
    queues,
    order,
    databaseUrl,
    environment,
    serverId,
    repositoryId,
    policyId,
    area: repository.area(serverId),
    repositoryDir,
    get worker() {
      return workers.first();
    },
    startWorker: workers.start,
    request: async (kind, request, about = {}) => {
      const { run } = await metadata.runs.create({
        kind,
        request,
        requestedBy: "user:test",
        serverId,
        repositoryId,
        ...about,
      });
      await queues.ring(run.id, run.kind);
      return run;
    },
    ...runs,
    [Symbol.asyncDispose]: async () => {
      order.clear();
      await stack.disposeAsync();
    },
  };
}

/**
 * Small, so that an act takes a second: one database only, and a table in a tablespace of its own, larger than what
 * sockets buffer, so that a server that dies in the middle has not sent all of it.
 */
async function fillManaged(managed: TestServer): Promise<void> {
  await managed.query("UPDATE pg_database SET datistemplate = false");
  for (const name of ["template0", "template1"]) await managed.query(`DROP DATABASE ${name}`);
  await managed.query(
    "CREATE TABLE kept TABLESPACE aside AS SELECT n, repeat('x', 50) AS pad FROM generate_series(1, 150000) AS n",
  );
}

/** The worker processes; those that still run are stopped at the end, and must stop cleanly. */
function trackWorkers(stack: AsyncDisposableStack, environment: Readonly<Record<string, string>>) {
  const started: ChildProgram[] = [];
  const running = () => started.filter((worker) => worker.isRunning());
  stack.defer(async () => {
    await Promise.all(running().map((worker) => worker.stop()));
  });
  return {
    async start(): Promise<ChildProgram> {
      const script = join(root, "apps", "worker", "src", "main.ts");
      const worker = await startProgram("the worker", { script, environment, readyText: "the worker is ready" });
      started.push(worker);
      return worker;
    },
    said: () => started.map((worker) => worker.output.slice(-8_000)).join("\n--- the next worker ---\n"),
    first(): ChildProgram {
      const [worker] = running();
      if (worker === undefined) throw new Error(`no worker is running; the last one said:\n${started.at(-1)?.output}`);
      return worker;
    },
  };
}

function runActs(metadata: Metadata, workersSaid: () => string) {
  /** For whoever reads a failure: how the runs stand, and what the workers said last. */
  const explained = async (cause: unknown) => {
    const unfinished = (await metadata.runs.unfinished()).map(
      ({ id, kind, state, progress, heartbeatAt }) =>
        `${id} ${kind} ${state}, phase ${progress.phase}, last beat ${heartbeatAt?.toISOString()}`,
    );
    const why = cause instanceof Error ? cause.message : String(cause);
    return new Error(`${why}\n${unfinished.join("\n")}\n${workersSaid()}`, { cause });
  };
  const ended = async (runId: string) => {
    try {
      return await waitFor(
        async () => {
          const run = await metadata.runs.get(runId);
          return run !== null && isFinalRunState(run.state) ? run : null;
        },
        { what: `the end of ${runId}`, timeoutMs: 60_000, everyMs: 50 },
      );
    } catch (error) {
      throw await explained(error);
    }
  };
  const endedAs = async (runId: string, state: FinalRunState) => {
    const run = await ended(runId);
    if (run.state === state) return run;
    const events = await metadata.runs.eventsAfter(runId, 0, 100);
    const log = events.map((event) => event.message).join("\n");
    throw new Error(`${run.kind} run ended as ${run.state}, not ${state}: ${JSON.stringify(run.error)}\n${log}`);
  };
  return { ended, endedAs };
}

/** The test keeps the repository's key, so that it can look into it beside the workers. */
export async function attachRepository(
  { metadata, queues, endedAs }: Pick<Product, "metadata" | "queues" | "endedAs">,
  folder: string,
  name = "main",
): Promise<{ readonly repositoryId: string; readonly key: RepositoryKey }> {
  const key: RepositoryKey = newRepositoryKey((length) => new Uint8Array(randomBytes(length)));
  await (await createRepository(new FilesystemStore(folder), { encryption: key })).close();
  const { workerPublicKey } = await metadata.instance.get();
  const url = `file://${folder}`;
  const { id: repositoryId } = await metadata.repositories.create({ name, url, encrypted: true });
  const sealedKey = await seal(workerPublicKey ?? "", key.text.reveal());
  const request = { repositoryId, url, encrypted: true, sealedKey };
  const { run } = await metadata.runs.create({
    kind: "attach-repository",
    request,
    requestedBy: "user:test",
    repositoryId,
  });
  await queues.ring(run.id, run.kind);
  await endedAs(run.id, "succeeded");
  return { repositoryId, key };
}

async function registerServer(metadata: Metadata, managed: TestServer, repositoryId: string) {
  const { workerPublicKey } = await metadata.instance.get();
  const server = await metadata.servers.register({
    name: "main",
    sealedDsn: await seal(workerPublicKey ?? "", managed.dsn()),
    connection: `postgresql://postgres@127.0.0.1:${managed.port}/postgres`,
    repositoryId,
    policy: { create: { name: "main", keepLast: 100 } },
  });
  return { serverId: server.id, policyId: server.policyId };
}

export const root = resolve(import.meta.dirname, "..", "..");
