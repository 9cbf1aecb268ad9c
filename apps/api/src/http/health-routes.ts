import { describeError, type Logger } from "@tidemark/kit";
import type { FastifyInstance } from "fastify";
import type { Services } from "../services.ts";
import { version } from "../version.ts";

interface Check {
  readonly name: "metadata" | "queue" | "worker" | "web";
  readonly state: "ok" | "failed" | "not-configured";
  readonly detail: string | null;
}

/** /healthz: this process answers. /readyz: everything it needs answers, each named. /version. Open to everybody: they tell nothing else. */
export function addHealthRoutes(app: FastifyInstance, services: Services, webUrl: string | null): void {
  app.get("/healthz", () => ({ status: "ok" }));
  app.get("/version", () => ({ version }));
  app.get("/readyz", async (_request, reply) => {
    const checks = await Promise.all([
      check(services.logger, "metadata", () => services.metadata.ping().then(() => null)),
      check(services.logger, "queue", () => services.bells.ping().then(() => null)),
      check(services.logger, "worker", () => aWorkerLives(services)),
      webUrl === null
        ? ({ name: "web", state: "not-configured", detail: null } satisfies Check)
        : check(services.logger, "web", () => webAnswers(webUrl)),
    ]);
    const ready = checks.every((one) => one.state !== "failed");
    return reply
      .code(ready ? 200 : 503)
      .header("cache-control", "no-store")
      .send({ ready, checks });
  });
}

/** `ask` answers with what is wrong, or null. */
async function check(logger: Logger, name: Check["name"], ask: () => Promise<string | null>): Promise<Check> {
  try {
    const wrong = await withinTime(ask());
    return wrong === null ? { name, state: "ok", detail: null } : { name, state: "failed", detail: wrong };
  } catch (error) {
    const { code, message } = describeError(error);
    logger.debug({ err: error, check: name }, "not ready");
    // Foreign messages may name addresses and accounts; ours do not.
    return { name, state: "failed", detail: code === "internal" ? "it did not answer as it should" : message };
  }
}

async function aWorkerLives(services: Services): Promise<string | null> {
  const workers = await services.metadata.workers.list();
  return workers.some((worker) => worker.alive) ? null : "no worker shows a sign of life";
}

async function webAnswers(webUrl: string): Promise<string | null> {
  const response = await fetch(webUrl, {
    method: "HEAD",
    redirect: "manual",
    signal: AbortSignal.timeout(checkTimeoutMs),
  });
  return response.status < 500 ? null : `the dashboard answers with status ${response.status}`;
}

/** A check that hangs is one that failed. */
async function withinTime<T>(asked: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error("no answer in time")), checkTimeoutMs);
  });
  try {
    return await Promise.race([asked, late]);
  } finally {
    clearTimeout(timer);
  }
}

const checkTimeoutMs = 3_000;
