import { AppError, formatDuration, isErrorCode } from "@tidemark/kit";
import { z } from "zod";
import type { ApiClient } from "./api-client.ts";
import type { Session } from "./context.ts";
import { exitCodes } from "./exit-code.ts";
import { lowerState, type Output } from "./output.ts";
import { ProgressLine } from "./progress-line.ts";
import { watchForWorker } from "./watch-for-worker.ts";

export const RunFacts = z.object({
  id: z.string(),
  kind: z.string(),
  state: z.string(),
  server: z.object({ id: z.string(), name: z.string() }).nullable(),
  backup: z.object({ id: z.string() }).nullable(),
  waitingReason: z.string().nullable(),
  phase: z.string().nullable(),
  done: z.string().nullable(),
  total: z.string().nullable(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  requestedBy: z.string(),
  error: z.object({ code: z.string(), message: z.string(), hint: z.string().nullable() }).nullable(),
  result: z.unknown(),
});
export type RunFacts = z.infer<typeof RunFacts>;

export const runFields = `id kind state server { id name } backup { id } waitingReason phase done total
  createdAt startedAt finishedAt requestedBy error { code message hint } result`;

export async function fetchRun(api: ApiClient, id: string): Promise<RunFacts> {
  const answer = await api.query(
    z.object({ run: RunFacts.nullable() }),
    `query ($id: ID!) { run(id: $id) { ${runFields} } }`,
    { id },
  );
  if (answer.run === null) {
    throw new AppError("not-found", { message: `there is no run ${id}`, hint: "`tidemark run list` shows them" });
  }
  return answer.run;
}

export function isFinal(state: string): boolean {
  return state === "SUCCEEDED" || state === "FAILED" || state === "INTERRUPTED" || state === "CANCELLED";
}

const RunEvent = z.object({
  runEvents: z.object({
    seq: z.number(),
    at: z.string(),
    level: z.string(),
    phase: z.string().nullable(),
    message: z.string(),
    done: z.string().nullable(),
    total: z.string().nullable(),
    runState: z.string(),
  }),
});
type RunEvent = z.infer<typeof RunEvent>["runEvents"];

export interface FollowOptions {
  /** Called for every event, in order and once each, whatever happens to the connection in between. */
  readonly onEvent: (event: RunEvent) => void;
  /** Takes what a person who waits should know, as lines for standard error. */
  readonly note: (text: string) => void;
}

/**
 * Follows a run's log from its beginning to its end. The log is in the database, so a broken stream is resumed after
 * the last sequence number seen; the run itself does not depend on anybody watching.
 */
export async function followRun(api: ApiClient, id: string, options: FollowOptions): Promise<RunFacts> {
  const watch = watchForWorker(api, id, options.note);
  try {
    return await followEvents(api, id, options);
  } finally {
    watch.stop();
  }
}

async function followEvents(api: ApiClient, id: string, { onEvent }: FollowOptions): Promise<RunFacts> {
  let lastSeq = 0;
  let failures = 0;
  for (;;) {
    const run = await fetchRun(api, id);
    try {
      const events = api.subscribe(
        RunEvent,
        `subscription ($id: ID!, $after: Int!) { runEvents(runId: $id, afterSeq: $after) {
           seq at level phase message done total runState } }`,
        { id, after: lastSeq },
      );
      for await (const { runEvents: event } of events) {
        failures = 0;
        if (event.seq <= lastSeq) continue;
        lastSeq = event.seq;
        onEvent(event);
      }
      if (isFinal(run.state)) return run;
    } catch (error) {
      if (error instanceof AppError && error.code !== "api-unreachable" && error.code !== "internal") throw error;
      failures++;
      if (failures > maxStreamFailures) throw error;
    }
    await pause(Math.min(pauseMs * 2 ** failures, maxPauseMs));
  }
}

const maxStreamFailures = 8;
const pauseMs = 200;
const maxPauseMs = 5_000;

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}

/** Follows a run for a person (a bar on a terminal, lines elsewhere) and throws when it did not succeed. */
export async function waitForRun(session: Session, id: string): Promise<RunFacts> {
  const line = new ProgressLine(session.output);
  const run = await followRun(session.api, id, {
    onEvent: (event) => line.show({ ...event, level: lowerState(event.level) }),
    note: session.output.note,
  });
  line.end();
  throwUnlessSucceeded(run);
  return run;
}

export function throwUnlessSucceeded(run: RunFacts): void {
  if (run.state === "SUCCEEDED") return;
  const code = run.error?.code ?? "";
  throw new AppError(isErrorCode(code) ? code : run.state === "CANCELLED" ? "cancelled" : "interrupted", {
    message: `${lowerState(run.kind)} run ${run.id} ${outcomeWords(run.state)}${run.error === null ? "" : `: ${run.error.message}`}`,
    hint: run.error?.hint ?? `\`tidemark run show ${run.id}\` has its log`,
  });
}

function outcomeWords(state: string): string {
  return state === "FAILED" ? "failed" : state === "CANCELLED" ? "was cancelled" : "was interrupted";
}

/** Prints what was started, or follows it to its end when asked to. */
export async function startedOrFinished(session: Session, run: RunFacts, wait: boolean): Promise<number> {
  const finished = wait ? await waitForRun(session, run.id) : run;
  printRun(session.output, finished);
  if (!wait) session.output.note(`follow it with \`tidemark run watch ${run.id}\`\n`);
  return exitCodes.done;
}

export function printRun(output: Output, run: RunFacts): void {
  const json = runJson(run);
  if (output.format !== "table") {
    output.write(output.format === "json" ? `${JSON.stringify(json, null, 2)}\n` : `${JSON.stringify(json)}\n`);
    return;
  }
  const subject = [run.server?.name, run.backup?.id].filter((part) => part !== undefined).join(" ");
  output.write(`${run.id}  ${lowerState(run.kind)}  ${lowerState(run.state)}  ${subject}${durationOf(run)}\n`);
}

function durationOf(run: RunFacts): string {
  if (run.startedAt === null || run.finishedAt === null) return "";
  return `  in ${formatDuration(Date.parse(run.finishedAt) - Date.parse(run.startedAt))}`;
}

export function runJson(run: RunFacts): object {
  return {
    id: run.id,
    state: lowerState(run.state),
    kind: lowerState(run.kind),
    server: run.server?.name ?? null,
    backupId: run.backup?.id ?? null,
    waitingReason: run.waitingReason,
    phase: run.phase,
    done: run.done,
    total: run.total,
    createdAt: run.createdAt,
    startedAt: run.startedAt,
    finishedAt: run.finishedAt,
    requestedBy: run.requestedBy,
    error: run.error,
    result: run.result ?? null,
  };
}
