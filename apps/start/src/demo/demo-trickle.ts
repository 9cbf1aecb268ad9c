import type { Logger } from "@tidemark/kit";
import pg from "pg";
import { demoTrickle } from "./demo-data.ts";

/** Writes a few rows a second into the demo's shop until stopped; a lost connection is made anew, for ever. */
export function startTrickle(dsn: string, logger: Logger): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const done = run(dsn, logger, stopped.signal);
  return {
    async stop() {
      stopped.abort();
      await done;
    },
  };
}

async function run(dsn: string, logger: Logger, signal: AbortSignal): Promise<void> {
  let waitMs = everyMs;
  while (!signal.aborted) {
    const client = new pg.Client({ connectionString: dsn, application_name: "shop", connectionTimeoutMillis: 5_000 });
    // A server that goes away says so here as well as in the query; the query's error is the one we act on.
    client.on("error", () => undefined);
    try {
      await client.connect();
      waitMs = everyMs;
      for (let turn = 0; !signal.aborted; turn++) {
        await client.query(demoTrickle[turn % demoTrickle.length] ?? "");
        await pause(everyMs, signal);
      }
    } catch (error) {
      logger.warn({ err: error }, "the demo's trickle of changes lost its connection; it will try again");
      waitMs = Math.min(waitMs * 2, longestWaitMs);
      await pause(waitMs, signal);
    } finally {
      await client.end().catch((error: unknown) => logger.debug({ err: error }, "closing the trickle's connection"));
    }
  }
}

function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(finish, durationMs);
    signal.addEventListener("abort", finish, { once: true });
    function finish() {
      clearTimeout(timer);
      signal.removeEventListener("abort", finish);
      resolve();
    }
  });
}

const everyMs = 500;
const longestWaitMs = 30_000;
