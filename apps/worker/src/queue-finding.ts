import { AppError } from "@tidemark/kit";
import type { SeenFinding } from "@tidemark/metadata";
import type { WorkerDeps } from "./worker-deps.ts";

/** Asks whether the queue is there, and keeps the finding of the instance that says that it is not. */
export async function refreshQueueFinding({ queues, metadata }: Pick<WorkerDeps, "queues" | "metadata">) {
  const seen = await queues.ping().then(
    () => [],
    (error: unknown) => [away(error)],
  );
  await metadata.findings.record({ kind: "instance" }, ["queue-unreachable"], seen);
}

function away(error: unknown): SeenFinding {
  if (!(error instanceof AppError)) throw error;
  return {
    checkId: "queue-unreachable",
    severity: "blocks-backup",
    title: "The queue cannot be reached",
    found: error.message,
    required: "a queue that answers",
    why: "no backup, restore or drill begins until it does; they are kept meanwhile, and WAL is received all the same",
    remedy: { advice: error.hint ?? "see whether Redis runs" },
  };
}
