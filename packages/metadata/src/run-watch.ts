import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "@tidemark/kit";
import pg from "pg";
import { runChannel } from "./run-log.ts";

export interface RunWatch {
  watch(runId: string, signal: AbortSignal): AsyncIterable<void>;
  close(): Promise<void>;
}

export interface RunWatchOptions {
  readonly url: string;
  readonly logger: Logger;
  /** A watcher looks at least so often: notifications are lost while the connection is. Default 3 s. */
  readonly pollMs?: number;
}

/**
 * One LISTEN connection for all watchers of this process. It is made for the first watcher, and made again whenever it
 * breaks; meanwhile watchers poll. A notification only says "look": what to show is read from the rows.
 */
export function createRunWatch(options: RunWatchOptions): RunWatch {
  const bells = new Map<string, Set<() => void>>();
  const closed = new AbortController();
  let listening: Promise<void> | null = null;

  const ringAll = () => {
    for (const ring of [...bells.values()].flatMap((rings) => [...rings])) ring();
  };
  const onNotice = (runId: string) => {
    for (const ring of bells.get(runId) ?? []) ring();
  };

  return {
    watch: (runId, signal) => {
      listening ??= keepListening({ ...options, onNotice, onConnected: ringAll, signal: closed.signal });
      return watchOne(bells, runId, AbortSignal.any([signal, closed.signal]), options.pollMs ?? defaultPollMs);
    },
    close: async () => {
      closed.abort();
      await listening;
    },
  };
}

const defaultPollMs = 3_000;
/** Between two attempts to connect again; watchers poll at the same pace. */
const reconnectMs = 1_000;

async function* watchOne(
  bells: Map<string, Set<() => void>>,
  runId: string,
  signal: AbortSignal,
  pollMs: number,
): AsyncGenerator<void> {
  // Rings between two reads of the reader are one; a ring while it reads is not lost.
  let rung = false;
  let wake: (() => void) | null = null;
  const ring = () => {
    rung = true;
    wake?.();
  };
  const rings = bells.get(runId) ?? new Set();
  bells.set(runId, rings.add(ring));
  signal.addEventListener("abort", ring);
  try {
    while (!signal.aborted) {
      yield;
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pollMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = null;
      rung = false;
    }
  } finally {
    signal.removeEventListener("abort", ring);
    rings.delete(ring);
    if (rings.size === 0 && bells.get(runId) === rings) bells.delete(runId);
  }
}

interface Listening extends RunWatchOptions {
  readonly onNotice: (runId: string) => void;
  readonly onConnected: () => void;
  readonly signal: AbortSignal;
}

async function keepListening(options: Listening): Promise<void> {
  while (!options.signal.aborted) {
    try {
      await listenOnce(options);
    } catch (error) {
      options.logger.warn({ err: error }, "run notifications are interrupted; watchers poll until they are back");
    }
    await delay(reconnectMs, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

/** Listens until the connection ends (throws its error, if it had one) or the signal aborts. */
async function listenOnce({ url, onNotice, onConnected, signal }: Listening): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: "tidemark watch",
    connectionTimeoutMillis: 10_000,
    // A dead peer is noticed by the kernel, since nothing is sent here for hours.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  });
  const ended = new Promise<void>((resolve, reject) => {
    // Not once: the server's last words and the end of the connection are an error each.
    client.on("error", reject);
    client.once("end", () => resolve());
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
  // Whoever waits below sees it; before that, connect() throws the same.
  ended.catch(() => undefined);
  client.on("notification", (notice) => onNotice(notice.payload ?? ""));
  try {
    await client.connect();
    await client.query(`LISTEN ${runChannel}`);
    onConnected();
    await ended;
  } finally {
    await client.end();
  }
}
