import { setTimeout as delay } from "node:timers/promises";
import { AppError, describeError } from "@tidemark/kit";
import type { RunningCluster } from "@tidemark/local-postgres";

export interface KeptCluster {
  readonly current: () => RunningCluster;
  /** Fast shutdown; it is not started again. */
  stop(): Promise<void>;
  /** Immediate shutdown; the next start replays the WAL. */
  stopAtOnce(): Promise<void>;
}

/** Starts a PostgreSQL server of ours again, on the same port, whenever it ends by itself (killed, crashed, out of memory). */
export function keepCluster(name: string, first: RunningCluster, onWarning: (text: string) => void): KeptCluster {
  let cluster = first;
  let stopping = false;
  let restarting: Promise<void> = Promise.resolve();
  const watch = () => {
    const watched = cluster;
    void watched.exited.then(() => {
      if (!stopping) restarting = restart(watched);
    });
  };
  const restart = async (ended: RunningCluster) => {
    for (let waitMs = firstBackoffMs; !stopping; waitMs = Math.min(waitMs * 2, longestBackoffMs)) {
      onWarning(`${name} ended by itself; it is started again (log: ${ended.logPath})`);
      await delay(waitMs);
      if (stopping) return;
      try {
        cluster = await ended.restart();
        watch();
        return;
      } catch (error) {
        onWarning(`${name} could not be started: ${describeError(error).message}`);
      }
    }
  };
  watch();
  const end = async (mode: "fast" | "immediate") => {
    stopping = true;
    await restarting;
    const { how } = await cluster.stop({ mode, timeoutMs: stopTimeoutMs });
    if (how === "killed")
      throw new AppError("internal", { message: `${name} had to be killed; its next start recovers` });
  };
  return { current: () => cluster, stop: () => end("fast"), stopAtOnce: () => end("immediate") };
}

const firstBackoffMs = 200;
const longestBackoffMs = 10_000;
const stopTimeoutMs = 20_000;
