import { openQueues, type Queues, type RunKind, type RunRequestInput } from "@tidemark/jobs";
import type { Logger } from "@tidemark/kit";
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
import { type TempDir, type TestServer, tempDir, testServer, waitFor } from "@tidemark/testkit";
import { readWorkerSettings, type WorkerSettings } from "./config.ts";
import { type StartedWorker, startWorker } from "./start-worker.ts";

/** For integration tests: a metadata database, a home, and workers started in this process. */
export interface TestWorkplace extends AsyncDisposable {
  readonly metadata: Metadata;
  readonly queues: Queues;
  readonly metadataServer: TestServer;
  readonly home: TempDir;
  readonly settings: WorkerSettings;
  start(changes?: Partial<WorkerSettings>): Promise<StartedWorker>;
  /** Makes a run and rings for it, as the api does. */
  request<K extends RunKind>(
    kind: K,
    request: RunRequestInput<K>,
    about?: { serverId?: string; repositoryId?: string; backupId?: string },
  ): Promise<Run>;
  /** Waits until it is final. */
  ended(runId: string): Promise<Run>;
  /** Waits for its end and fails the test unless it ended so. */
  endedAs(runId: string, state: FinalRunState): Promise<Run>;
  /** A repository in the home, attached. */
  attachRepository(): Promise<string>;
  seal(text: string): Promise<string>;
}

export async function testWorkplace(): Promise<TestWorkplace> {
  const metadataServer = await testServer({ settings: { max_connections: 100 } });
  await metadataServer.query("CREATE DATABASE tidemark");
  const url = metadataServer.dsn({ database: "tidemark" });
  await migrate(url);
  const home = await tempDir("home");
  const logger = testLogger();
  const metadata = openMetadata({ url, logger });
  const queues = await openQueues({ databaseUrl: url }, { logger });
  const settings = readWorkerSettings({ DATABASE_URL: url, TIDEMARK_HOME: home.path, FRAME_THREADS: "2" }, "/");
  const started: StartedWorker[] = [];

  const ended = (runId: string) =>
    waitFor(
      async () => {
        const run = await metadata.runs.get(runId);
        return run !== null && isFinalRunState(run.state) ? run : null;
      },
      { what: `the end of ${runId}`, timeoutMs: 120_000, everyMs: 100 },
    );
  const place: TestWorkplace = {
    metadata,
    queues,
    metadataServer,
    home,
    settings,
    async start(changes = {}) {
      const worker = await startWorker({ ...settings, ...changes }, logger);
      started.push(worker);
      return worker;
    },
    async request(kind, request, about = {}) {
      const { run } = await metadata.runs.create({ kind, request, requestedBy: "user:test", ...about });
      await queues.ring(run.id, run.kind);
      return run;
    },
    ended,
    async endedAs(runId, state) {
      const run = await ended(runId);
      if (run.state !== state) {
        const events = await metadata.runs.eventsAfter(runId, 0, 100);
        throw new Error(
          `${run.kind} run ended as ${run.state}, not ${state}: ${JSON.stringify(run.error)}\n${events.map((event) => event.message).join("\n")}`,
        );
      }
      return run;
    },
    async attachRepository() {
      const path = `file://${home.join("repository")}`;
      const { id } = await metadata.repositories.create({ name: "main", url: path, encrypted: true });
      const request = { repositoryId: id, url: path, encrypted: true, sealedKey: null };
      await place.endedAs((await place.request("attach-repository", request, { repositoryId: id })).id, "succeeded");
      return id;
    },
    async seal(text) {
      const key = await waitFor(async () => (await metadata.instance.get()).workerPublicKey, {
        what: "the workers' key",
      });
      return await seal(key, text);
    },
    [Symbol.asyncDispose]: async () => {
      for (const worker of started) await worker.stop(1_000);
      await queues.close();
      await metadata.close();
      await metadataServer[Symbol.asyncDispose]();
      await home[Symbol.asyncDispose]();
    },
  };
  return place;
}

function testLogger(): Logger {
  return createLogger({ name: "test", level: process.env.TEST_LOG === undefined ? "silent" : "debug" });
}

/** Every row of every table of the metadata database, the queue's too, as text: to look for what must not be there. */
export async function everyRow({ metadataServer }: Pick<TestWorkplace, "metadataServer">): Promise<string> {
  const database = { database: "tidemark" };
  const tables = await metadataServer.query<{ name: string }>(
    `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
      WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`,
    [],
    database,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const rows = await metadataServer.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`, [], database);
    texts.push(...rows.map(({ row }) => row));
  }
  return texts.join("\n");
}

/** A cron expression, in UTC, whose next time is half a day away: no bell of it rings while a test runs. */
export function notSoon(): string {
  return `0 ${(new Date().getUTCHours() + 12) % 24} * * *`;
}
