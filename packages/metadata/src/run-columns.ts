import type { Prisma } from "./generated/client.ts";
import type { Json } from "./json.ts";
import type { Run, RunKind, RunState } from "./run-store.ts";

export const runColumns = {
  id: true,
  kind: true,
  state: true,
  serverId: true,
  repositoryId: true,
  backupId: true,
  request: true,
  result: true,
  errorCode: true,
  errorMessage: true,
  errorHint: true,
  phase: true,
  done: true,
  total: true,
  rateBytesPerSecond: true,
  etaLowMs: true,
  etaHighMs: true,
  waitingReason: true,
  cancelRequestedAt: true,
  cancelRequestedBy: true,
  cancelEffect: true,
  requestedBy: true,
  scheduleId: true,
  scheduledFor: true,
  workerId: true,
  attempts: true,
  lastSeq: true,
  createdAt: true,
  startedAt: true,
  finishedAt: true,
  heartbeatAt: true,
} satisfies Prisma.RunSelect;

type Columns = Prisma.RunGetPayload<{ select: typeof runColumns }>;

export function toRun(columns: Columns): Run {
  const { errorCode, errorMessage, errorHint, phase, done, total, rateBytesPerSecond, etaLowMs, etaHighMs, ...rest } =
    columns;
  return {
    ...rest,
    // The checks of the table admit no others.
    kind: columns.kind as RunKind,
    state: columns.state as RunState,
    request: columns.request as Json,
    result: columns.result as Json,
    error: errorCode === null ? null : { code: errorCode, message: errorMessage ?? errorCode, hint: errorHint },
    progress: { phase, done, total, rateBytesPerSecond, etaLowMs, etaHighMs },
  };
}

/** Newest first; ULIDs break ties in the order of making. */
export const newestRunFirst = [{ createdAt: "desc" }, { id: "desc" }] satisfies Prisma.RunOrderByWithRelationInput[];
