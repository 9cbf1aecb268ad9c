import type { ErrorDescription } from "@tidemark/kit";
import type { PrismaClient } from "./generated/client.ts";
import type { EventLevel, NewRunEvent, RunEvent, RunOutcome, RunState } from "./run-store.ts";

/** NOTIFY channel; the payload is the run's id. */
export const runChannel = "tidemark_run";

/**
 * One statement: the counter's row lock makes numbers gapless among concurrent writers, and the listeners are told when
 * it commits. Null when the run is final (its log is closed) or missing.
 */
export async function appendEvents(
  prisma: PrismaClient,
  runId: string,
  events: readonly NewRunEvent[],
): Promise<number | null> {
  const count = events.length;
  const rows = JSON.stringify(
    events.map((event, index) => ({
      position: index + 1,
      level: event.level,
      phase: event.phase ?? null,
      message: event.message,
      done: event.done?.toString() ?? null,
      total: event.total?.toString() ?? null,
    })),
  );
  const [answer] = await prisma.$queryRaw<{ seq: number | null }[]>`
    WITH allocated AS (
      UPDATE run SET last_seq = last_seq + ${count}::int
       WHERE id = ${runId} AND finished_at IS NULL
      RETURNING last_seq, last_seq - ${count}::int AS base, state
    ), added AS (
      INSERT INTO run_event (run_id, seq, at, level, phase, message, done, total, run_state)
      SELECT ${runId}, allocated.base + event.position, clock_timestamp(), event.level, event.phase, event.message,
             event.done, event.total, allocated.state
        FROM allocated,
             jsonb_to_recordset(${rows}::jsonb)
               AS event(position int, level text, phase text, message text, done bigint, total bigint)
      RETURNING seq
    )
    SELECT (SELECT last_seq FROM allocated) AS seq, (SELECT count(*)::int FROM added) AS added,
           pg_notify(${runChannel}, ${runId})::text AS notified`;
  return answer?.seq ?? null;
}

export async function readEvents(
  prisma: PrismaClient,
  runId: string,
  seq: number,
  limit: number,
): Promise<readonly RunEvent[]> {
  const rows = await prisma.runEvent.findMany({
    where: { runId, seq: { gt: seq } },
    orderBy: { seq: "asc" },
    take: limit,
    select: {
      runId: true,
      seq: true,
      at: true,
      level: true,
      phase: true,
      message: true,
      done: true,
      total: true,
      runState: true,
    },
  });
  return rows.map((row) => ({ ...row, level: row.level as EventLevel, runState: row.runState as RunState }));
}

/**
 * Compare-and-set in one statement with the last event; a backup's row that is still running ends with its run. True
 * for the one caller that ended it.
 */
export async function endRun(
  prisma: PrismaClient,
  runId: string,
  outcome: RunOutcome,
  fromStates: readonly RunState[],
): Promise<boolean> {
  const error = outcomeError(outcome);
  const result = outcome.result === undefined ? null : JSON.stringify(outcome.result);
  const level: EventLevel = error === null ? "info" : "error";
  const [answer] = await prisma.$queryRaw<{ ended: number }[]>`
    WITH ended AS (
      UPDATE run
         SET state = ${outcome.state}, result = COALESCE(${result}::jsonb, result),
             server_id = COALESCE(server_id, ${madeServerId(outcome)}),
             error_code = ${error?.code ?? null}, error_message = ${error?.message ?? null},
             error_hint = ${error?.hint ?? null}, waiting_reason = NULL, eta_low_ms = NULL, eta_high_ms = NULL,
             finished_at = clock_timestamp(), last_seq = last_seq + 1
       WHERE id = ${runId} AND finished_at IS NULL AND state = ANY(${fromStates}::text[])
      RETURNING id, kind, last_seq, phase, done, total
    ), added AS (
      INSERT INTO run_event (run_id, seq, at, level, phase, message, done, total, run_state)
      SELECT id, last_seq, clock_timestamp(), ${level}, phase,
             COALESCE(${outcomeMessage(outcome)}, replace(kind, '-', ' ') || ' ' || ${outcome.state}), done, total,
             ${outcome.state}
        FROM ended
      RETURNING seq
    ), abandoned AS (
      UPDATE backup
         SET state = CASE ${outcome.state} WHEN 'failed' THEN 'failed' ELSE 'interrupted' END,
             finished_at = clock_timestamp(),
             error_code = ${error?.code ?? "cancelled"}, error_message = ${error?.message ?? "the run was cancelled"},
             error_hint = ${error?.hint ?? null}
        FROM ended
       WHERE backup.run_id = ended.id AND backup.state = 'running' AND ${outcome.state} <> 'succeeded'
      RETURNING backup.id
    )
    SELECT (SELECT count(*)::int FROM added) AS ended, (SELECT count(*)::int FROM abandoned) AS abandoned,
           pg_notify(${runChannel}, ${runId})::text AS notified`;
  return answer?.ended === 1;
}

/** The server a connection test registered: from then on the run is one of that server's. */
function madeServerId(outcome: RunOutcome): string | null {
  return outcome.state === "succeeded" ? (outcome.serverId ?? null) : null;
}

function outcomeError(outcome: RunOutcome): ErrorDescription | null {
  return "error" in outcome ? outcome.error : null;
}

/** Null: the kind and the state say it ("restore plan succeeded"). */
function outcomeMessage(outcome: RunOutcome): string | null {
  return "error" in outcome ? outcome.error.message : (outcome.message ?? null);
}
