import { AppError } from "@tidemark/kit";
import type { PrismaClient } from "./generated/client.ts";
import { endRun, runChannel } from "./run-log.ts";
import type { Heartbeat, Run } from "./run-store.ts";

export const beforeStart = ["queued", "waiting"] as const;
export const notFinal = ["queued", "waiting", "running"] as const;

/** queued or waiting → running; the row's lock decides among several. */
export async function claimRun(prisma: PrismaClient, runId: string, workerId: string): Promise<boolean> {
  const claimed = await prisma.$executeRaw`
    UPDATE run
       SET state = 'running', worker_id = ${workerId}, waiting_reason = NULL, attempts = attempts + 1,
           started_at = COALESCE(started_at, clock_timestamp()), heartbeat_at = clock_timestamp()
     WHERE id = ${runId} AND state IN ('queued', 'waiting')`;
  if (claimed === 1) await prisma.$queryRaw`SELECT pg_notify(${runChannel}, ${runId})::text AS notified`;
  return claimed === 1;
}

export async function beat(
  prisma: PrismaClient,
  workerId: string,
  runIds: readonly string[],
): Promise<readonly Heartbeat[]> {
  if (runIds.length === 0) return [];
  return await prisma.$queryRaw<Heartbeat[]>`
    UPDATE run SET heartbeat_at = clock_timestamp()
     WHERE id = ANY(${runIds}::text[]) AND worker_id = ${workerId} AND state = 'running'
    RETURNING id AS "runId", cancel_requested_at IS NOT NULL AS "cancelRequested"`;
}

/** First what can end at once; a run that is claimed in between is then marked, and one that is final by then refuses. */
export async function cancelRun(
  prisma: PrismaClient,
  runId: string,
  asked: { readonly by: string; readonly effect: string },
  getOrThrow: (id: string) => Promise<Run>,
): Promise<Run> {
  const endedAtOnce = await endRun(
    prisma,
    runId,
    { state: "cancelled", message: `cancelled by ${asked.by} before it started` },
    beforeStart,
  );
  const marked = await prisma.$executeRaw`
    UPDATE run
       SET cancel_requested_at = COALESCE(cancel_requested_at, clock_timestamp()),
           cancel_requested_by = COALESCE(cancel_requested_by, ${asked.by}),
           cancel_effect = COALESCE(cancel_effect, ${asked.effect})
     WHERE id = ${runId} AND (finished_at IS NULL OR ${endedAtOnce})`;
  const run = await getOrThrow(runId);
  if (marked === 1) return run;
  throw new AppError("run-already-final", {
    message: `the run has ended already (${run.state})`,
    hint: "there is nothing left to cancel",
    context: { runId },
  });
}
