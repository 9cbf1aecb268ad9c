import { AppError, type Logger, maskSecrets } from "@tidemark/kit";
import {
  createPostgresBackend,
  type PostgresConnectionOptions,
  Queue,
  runMigrations,
  Worker,
  withBackend,
} from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import type { QueueName } from "./job.ts";
import type { QueueBackend, QueueOptions, QueuePlace } from "./queues.ts";

export type BellQueue = Pick<
  Queue,
  "add" | "close" | "upsertJobScheduler" | "removeJobScheduler" | "getJobSchedulers" | "waitUntilReady" | "on"
>;
export type BellJob = Awaited<ReturnType<BellQueue["add"]>>;
export type BellProcessor = (job: BellJob, token: string | undefined) => Promise<void>;
export type BellWorker = Pick<Worker, "close" | "on">;

/** BullMQ with its connection: the only place that knows where the queues live. */
export interface Backend {
  readonly kind: QueueBackend;
  queue(name: QueueName): BellQueue;
  worker(name: QueueName, processor: BellProcessor, concurrency: number): BellWorker;
  /** Waits for the place to be usable (tables made). */
  ready(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export function openBackend(place: QueuePlace, options: QueueOptions): Backend {
  return "redisUrl" in place
    ? redisBackend(place.redisUrl, options.logger)
    : postgresBackend(place.databaseUrl, options.logger);
}

export function queueUnreachable(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const reason = error instanceof Error && error.message !== "" ? error.message : String(error);
  return new AppError("queue-unreachable", {
    message: `the queue cannot be used: ${maskSecrets(reason)}`,
    hint: "runs are kept and start when it is back; check REDIS_URL, or the metadata database where REDIS_URL is not set",
    cause: error,
  });
}

/**
 * Connections at most: one listening per worker (seven queues) and some for queries. They are opened on demand, so a
 * process that only rings has one or two.
 */
const poolSize = 16;

/** BullMQ's default; given a pool it takes no other. packages/metadata knows it too, as not being somebody else's. */
const queueSchema = "bullmq";

/** One pool for everything, because BullMQ would otherwise open one for each queue and each worker. */
function postgresBackend(databaseUrl: string, logger: Logger): Backend {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: poolSize,
    connectionTimeoutMillis: 10_000,
    application_name: "tidemark queue",
    options: `-c search_path=${queueSchema}`,
    keepAlive: true,
  });
  pool.on("error", (error) => logger.warn({ err: error }, "an idle queue connection was lost"));
  // BullMQ adds a listener for each queue and each worker, by design more than the ten Node takes for a leak.
  pool.setMaxListeners(0);
  // The pool listens only while a connection is idle, and whoever has it may not: then the event would end the process.
  pool.on("connect", (client) => client.on("error", () => undefined));
  const bound = withBackend(createPostgresBackend);
  class AskingWorker extends bound.Worker {
    override get maximumBlockTimeout() {
      return longestSilenceSeconds;
    }
  }
  // BullMQ describes the pool structurally and with an index signature, which pg's own type has not.
  const connection = pool as unknown as PostgresConnectionOptions;
  return {
    kind: "postgresql",
    queue: (name) => new bound.Queue(name, { connection }) as unknown as BellQueue,
    worker: (name, processor, concurrency) =>
      new AskingWorker(name, processor as never, {
        connection,
        concurrency,
        ...workerTimes,
      }) as unknown as BellWorker,
    ready: () => prepare(pool),
    ping: async () => void (await pool.query("SELECT 1")),
    close: () => pool.end(),
  };
}

async function prepare(pool: pg.Pool): Promise<void> {
  const client = await pool.connect();
  try {
    await runMigrations(client, queueSchema);
  } finally {
    client.release();
  }
}

function redisBackend(redisUrl: string, logger: Logger): Backend {
  // BullMQ demands it: blocking commands must wait for ever, and a command is retried until Redis is back.
  const forWorkers = { maxRetriesPerRequest: null };
  const connections: Redis[] = [];
  const connect = (options: object) => {
    const connection = new Redis(redisUrl, { connectTimeout: 10_000, ...options });
    connection.on("error", (error) => logger.warn({ err: error }, "the connection to Redis is lost"));
    connections.push(connection);
    return connection;
  };
  // A command of the api fails after two tries instead of hanging as long as Redis is away.
  const ringing = connect({ maxRetriesPerRequest: 2 });
  return {
    kind: "redis",
    queue: (name) => new Queue(name, { connection: ringing, prefix }),
    worker: (name, processor, concurrency) =>
      new Worker(name, processor, { connection: connect(forWorkers), prefix, concurrency, ...workerTimes }),
    ready: async () => void (await ringing.ping()),
    ping: async () => void (await ringing.ping()),
    close: async () => {
      for (const connection of connections) connection.disconnect();
    },
  };
}

/** Keys of ours in a Redis that others use too. */
const prefix = "tidemark";

/**
 * How long a worker listens to PostgreSQL before it asks. BullMQ listens up to an hour after an error, and where the
 * database goes away once more just when it has begun to, it listens on a connection that is gone (ensureListening and
 * handleListenClientError of its postgres-connection.js): every run of that queue would wait.
 */
const longestSilenceSeconds = 5;

/**
 * A worker that died is noticed after the lock's time: its bells ring elsewhere. Long acts keep their lock by renewing
 * it at half that time, which needs the event loop to turn. When the queue's place was away, it listens again after a
 * second; BullMQ's default is 15, during which nothing that is rung would start.
 */
const workerTimes = { lockDuration: 30_000, stalledInterval: 15_000, maxStalledCount: 5, runRetryDelay: 1_000 };
