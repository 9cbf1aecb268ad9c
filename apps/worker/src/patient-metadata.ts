import { setTimeout as delay } from "node:timers/promises";
import { AppError, type Clock, type Logger } from "@tidemark/kit";
import type { Metadata } from "@tidemark/metadata";

interface Patience {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends all waiting: the worker stops. */
  readonly signal: AbortSignal;
}

/**
 * The stores as acts use them. The metadata database may be killed at any moment and is back within seconds; an act that
 * has just made something durable must still be able to say so, or its row would call a whole backup failed. What may
 * be asked twice (reads, and writes that say how things are) is therefore asked again while the database cannot be
 * reached, but not for longer than a run may go without a heartbeat. Everything else fails at once, as it does below.
 */
export function patientMetadata(metadata: Metadata, patience: Patience): Metadata {
  return {
    ...metadata,
    runs: patientStore(metadata.runs, runActs, patience),
    leases: patientStore(metadata.leases, ["release", "holder"], patience),
    servers: patientStore(metadata.servers, serverActs, patience),
    repositories: patientStore(metadata.repositories, ["get", "all", "credentials", "update"], patience),
    instance: patientStore(metadata.instance, ["now"], patience),
    policies: patientStore(metadata.policies, ["get"], patience),
    offline: patientStore(metadata.offline, ["current", "latest"], patience),
    backups: patientStore(metadata.backups, backupActs, patience),
  };
}

const serverActs = ["get", "all", "recordContact", "recordLook", "snapshots"] as const;
const runActs = ["get", "unfinished", "latestSucceeded", "appendEvents", "markRung"] as const;
const backupActs = ["get", "getMany", "ofServer", "latestRestorable", "update", "mirror"] as const;

function patientStore<Store extends object>(
  store: Store,
  names: readonly (keyof Store & string)[],
  patience: Patience,
): Store {
  const patient = { ...store } as Record<string, unknown>;
  for (const name of names) {
    const method = store[name] as (...args: unknown[]) => Promise<unknown>;
    patient[name] = (...args: unknown[]) => untilReached(() => method(...args), name, patience);
  }
  return patient as Store;
}

async function untilReached(act: () => Promise<unknown>, name: string, patience: Patience): Promise<unknown> {
  const { clock, logger, signal } = patience;
  const startedMs = clock.monotonicMs();
  for (;;) {
    try {
      return await act();
    } catch (error) {
      const isAway = error instanceof AppError && error.code === "metadata-unreachable";
      if (!isAway || signal.aborted || clock.monotonicMs() - startedMs > patienceMs) throw error;
      logger.warn({ err: error, asked: name }, "the metadata database is away; it is asked again");
      await delay(retryMs);
    }
  }
}

/** Below the 30 s after which a run without heartbeat is taken from its worker (run-keeper.ts). */
const patienceMs = 25_000;
const retryMs = 250;
