import { openQueues } from "@tidemark/jobs";
import { AppError, describeError, type Logger, systemClock, systemErrorCode } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { openMetadata } from "@tidemark/metadata";
import type { FastifyInstance } from "fastify";
import { createSessionAuth } from "./auth/session-auth.ts";
import { type ApiSettings, readApiSettings } from "./config.ts";
import { createSealer } from "./sealer.ts";
import { buildServer } from "./server.ts";
import { version } from "./version.ts";

/** Builds everything, listens, and says so in one line on standard output: `{"ready":true,"url":"http://127.0.0.1:7400"}`. */
async function main(): Promise<void> {
  const settings = readApiSettings(process.env);
  const logger = createLogger({ name: "api", level: settings.logLevel });
  const metadata = openMetadata({ url: settings.databaseUrl.reveal(), logger });
  await metadata.ping();
  const queues = await openQueues(
    settings.redisUrl === null
      ? { databaseUrl: settings.databaseUrl.reveal() }
      : { redisUrl: settings.redisUrl.reveal() },
    // What is asked for meanwhile is kept as rows, and /readyz says what is missing.
    { logger, mayBeAway: true },
  );
  const baseUrl = settings.publicUrl?.origin ?? `http://${settings.host}:${settings.port}`;
  const app = await buildServer({
    services: {
      metadata,
      bells: queues,
      sealer: createSealer(metadata, settings.workerPublicKey),
      clock: systemClock,
      logger,
      authSecret: settings.authSecret,
      home: settings.home,
    },
    sessions: createSessionAuth(metadata, settings.authSecret, baseUrl),
    webUrl: settings.webUrl,
    publicUrl: settings.publicUrl,
    trustProxy: settings.trustProxy,
  });
  const url = await listen(app, settings);
  // Requests first, then what they need.
  stopOnSignals(logger, [() => app.close(), () => queues.close(), () => metadata.close()]);
  logger.info({ url, version, given: settings.given }, "the api listens");
  process.stdout.write(`${JSON.stringify({ ready: true, url })}\n`);
}

async function listen(app: FastifyInstance, settings: ApiSettings): Promise<string> {
  try {
    return await app.listen({ host: settings.host, port: settings.port });
  } catch (cause) {
    if (systemErrorCode(cause) !== "EADDRINUSE") throw cause;
    throw new AppError("port-taken", {
      message: `port ${settings.port} of ${settings.host} is taken by another program`,
      hint: "end that program, or choose another port",
      cause,
    });
  }
}

function stopOnSignals(logger: Logger, steps: readonly (() => Promise<unknown>)[]): void {
  let stopping = false;
  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, "the api stops");
    for (const step of steps) {
      await step().catch((error: unknown) => logger.error({ err: error }, "a part of the api did not stop cleanly"));
    }
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, (received) => void stop(received));
}

try {
  await main();
} catch (error) {
  const { code, message, hint } = describeError(error);
  process.stderr.write(`${JSON.stringify({ ready: false, code, message, hint })}\n`);
  process.exit(1);
}
