import { z } from "zod";
import type { ApiClient } from "./api-client.ts";

const Answer = z.object({
  run: z.object({ state: z.string() }).nullable(),
  system: z.object({ workers: z.array(z.object({ alive: z.boolean() })) }),
});

/**
 * While a run is waited for, says once that no worker lives who would do it, or go on with it. The wait goes on: a
 * worker that starts later does what was asked for, and ends what a dead one had begun.
 */
export function watchForWorker(
  api: Pick<ApiClient, "query">,
  id: string,
  note: (text: string) => void,
  everyMs = lookEveryMs,
): { stop(): void } {
  const look = async () => {
    const { run, system } = await api.query(
      Answer,
      "query ($id: ID!) { run(id: $id) { state } system { workers { alive } } }",
      { id },
    );
    if (run === null || !needsWorker.has(run.state) || system.workers.some((worker) => worker.alive)) return;
    clearInterval(timer);
    note(
      `no worker is running: run ${id} is ${run.state.toLowerCase()} until one starts, and this goes on waiting\n` +
        `  \`tidemark doctor\` says what runs; interrupting this leaves the run waiting, \`tidemark run cancel ${id}\` takes it back\n`,
    );
  };
  // An api that cannot be asked is noticed, and said, by whoever follows the run.
  const timer = setInterval(() => void look().catch(() => undefined), everyMs);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

const needsWorker: ReadonlySet<string> = new Set(["QUEUED", "WAITING", "RUNNING"]);

/** A run that finds a worker begins within a second or two. */
const lookEveryMs = 5_000;
