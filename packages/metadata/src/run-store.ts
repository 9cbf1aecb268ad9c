import type { ErrorDescription } from "@tidemark/kit";
import type { NewAuditEvent } from "./audit-store.ts";
import type { NewBackup } from "./backup-store.ts";
import { beat, beforeStart, cancelRun, claimRun, notFinal } from "./change-run.ts";
import { createRun } from "./create-run.ts";
import { notFound } from "./database-error.ts";
import type { PrismaClient } from "./generated/client.ts";
import type { RequestKey } from "./idempotency-store.ts";
import type { Json } from "./json.ts";
import type { Page, PageRequest } from "./page.ts";
import { runColumns, toRun } from "./run-columns.ts";
import { appendEvents, endRun, readEvents, runChannel } from "./run-log.ts";
import {
  failuresInRow,
  findRuns,
  findStale,
  findUnfinished,
  findUnrung,
  forgetFileContents,
  latestDrillVerdicts,
  latestFinished,
  latestOfSchedules,
  latestSucceeded,
  listRuns,
  verifiedParts,
} from "./run-queries.ts";

/** The kinds of packages/jobs' `runRequests`; a test there holds the two lists together. */
export const runKinds = [
  "connection-test",
  "backup",
  "verify",
  "restore-plan",
  "restore",
  "retention",
  "delete-backup",
  "drill",
  "clone",
  "clone-act",
  "find-moment",
  "mark",
  "attach-repository",
  "recovery-kit",
  "repository-keys",
  "collect",
  "inspect",
  "server-act",
  "copy",
  "rebuild-catalog",
] as const;
export type RunKind = (typeof runKinds)[number];

/** queued ⇄ waiting → running → succeeded | failed | interrupted | cancelled; queued and waiting may also end directly. */
export type RunState = "queued" | "waiting" | "running" | FinalRunState;
export type FinalRunState = "succeeded" | "failed" | "interrupted" | "cancelled";

export function isFinalRunState(state: RunState): state is FinalRunState {
  return state !== "queued" && state !== "waiting" && state !== "running";
}

export interface Run {
  readonly id: string;
  readonly kind: RunKind;
  readonly state: RunState;
  readonly serverId: string | null;
  readonly repositoryId: string | null;
  readonly backupId: string | null;
  /** Parse with jobs' `parseRunRequest`. */
  readonly request: Json;
  readonly result: Json;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | null } | null;
  readonly progress: RunProgress;
  readonly waitingReason: string | null;
  readonly cancelRequestedAt: Date | null;
  readonly cancelRequestedBy: string | null;
  readonly cancelEffect: string | null;
  readonly requestedBy: string;
  readonly scheduleId: string | null;
  readonly scheduledFor: Date | null;
  readonly workerId: string | null;
  readonly attempts: number;
  readonly lastSeq: number;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly heartbeatAt: Date | null;
}

export interface RunProgress {
  readonly phase: string | null;
  readonly done: bigint | null;
  readonly total: bigint | null;
  readonly rateBytesPerSecond: number | null;
  readonly etaLowMs: number | null;
  readonly etaHighMs: number | null;
}

export interface NewRun {
  /** Made here when left out; give one when the request or the backup must name it. */
  readonly id?: string;
  readonly kind: RunKind;
  /** What jobs' `runRequests[kind]` describes. */
  readonly request: unknown;
  /** `user:<name>`, `token:<prefix>`, `schedule` or `tidemark`. */
  readonly requestedBy: string;
  readonly serverId?: string | null;
  readonly repositoryId?: string | null;
  readonly backupId?: string | null;
  readonly schedule?: { readonly id: string; readonly firedFor: Date };
  /** The running backup's row, made in the same transaction. `backupId` is then its id. */
  readonly backup?: NewBackup;
  /** Answers the same request a second time with the first one's run. */
  readonly idempotency?: RequestKey;
  readonly audit?: Omit<NewAuditEvent, "targetId" | "targetKind"> &
    Partial<Pick<NewAuditEvent, "targetId" | "targetKind">>;
}

/** `replayed`: same idempotency key and request; `already-scheduled`: that firing of the schedule has its run already. */
export interface CreatedRun {
  readonly run: Run;
  readonly outcome: "created" | "replayed" | "already-scheduled";
}

export type ClaimedRun =
  | { readonly claimed: true; readonly run: Run }
  | { readonly claimed: false; readonly reason: "missing" | "final" | "running"; readonly run: Run | null };

export type EventLevel = "debug" | "info" | "warn" | "error";

export interface RunEvent {
  readonly runId: string;
  /** 1, 2, 3 … without gaps within a run. */
  readonly seq: number;
  readonly at: Date;
  readonly level: EventLevel;
  readonly phase: string | null;
  readonly message: string;
  readonly done: bigint | null;
  readonly total: bigint | null;
  readonly runState: RunState;
}

export interface NewRunEvent {
  readonly level: EventLevel;
  readonly message: string;
  readonly phase?: string | null;
  readonly done?: bigint | null;
  readonly total?: bigint | null;
}

export type RunOutcome =
  | {
      readonly state: "succeeded";
      readonly result?: unknown;
      readonly message?: string;
      /** The server this run made, for one that began without a server. */
      readonly serverId?: string;
    }
  | { readonly state: "failed" | "interrupted"; readonly error: ErrorDescription; readonly result?: unknown }
  | { readonly state: "cancelled"; readonly message?: string; readonly result?: unknown };

/** `finished` is false when the run was final already: nothing was changed and `run` says how it ended. */
export interface FinishedRun {
  readonly finished: boolean;
  readonly run: Run;
}

export interface RunFilter {
  readonly serverId?: string | undefined;
  readonly repositoryId?: string | undefined;
  readonly backupId?: string | undefined;
  readonly kinds?: readonly RunKind[] | undefined;
  readonly states?: readonly RunState[] | undefined;
}

/** What a worker hears back for each of its runs that is still its own. */
export interface Heartbeat {
  readonly runId: string;
  readonly cancelRequested: boolean;
}

/** All times are the database's, so that machines need not agree. Unknown run ids throw `not-found` unless said otherwise. */
/** The runs that verified one part of all that a server has in a repository; part 1 of 1 is everything at once. */
export interface VerifiedPartRow {
  readonly serverId: string;
  readonly repositoryId: string;
  readonly part: number;
  readonly of: number;
  /** When the first and the last of them were asked for. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** When the last of them ended that read what it should, whatever it found. */
  readonly verifiedAt: Date | null;
  readonly isRunning: boolean;
}

export interface RunStore {
  /** Throws `idempotency-key-reused` when the key was used for another request. Ring the queue after it, for `created`. */
  create(run: NewRun): Promise<CreatedRun>;
  get(id: string): Promise<Run | null>;
  getMany(ids: readonly string[]): Promise<readonly Run[]>;
  list(filter: RunFilter, page: PageRequest): Promise<Page<Run>>;
  /** queued or waiting → running, by this worker; exactly one of many callers wins. */
  claim(runId: string, workerId: string): Promise<ClaimedRun>;
  /** For all running runs of a worker at once; one that is missing from the answer was taken from it (finished elsewhere). */
  heartbeat(workerId: string, runIds: readonly string[]): Promise<readonly Heartbeat[]>;
  /** queued or waiting → waiting, with why ("waiting for backup run run_…"). False when it is neither any more. */
  setWaiting(runId: string, reason: string): Promise<boolean>;
  /** Overwrites the run's progress when it is still running under this worker. The caller throttles to once a second. */
  progress(runId: string, workerId: string, progress: Partial<RunProgress>): Promise<boolean>;
  /** Appends to the log, gapless also among concurrent writers; gives the last seq, or null when the run is final: its log is closed. */
  appendEvents(runId: string, events: readonly NewRunEvent[]): Promise<number | null>;
  eventsAfter(runId: string, seq: number, limit: number): Promise<readonly RunEvent[]>;
  /** Ends the run exactly once, with a last event that says so, and wakes who watches. A backup's row that is still running ends with it. */
  finish(runId: string, outcome: RunOutcome): Promise<FinishedRun>;
  /** Ends a queued or waiting run at once; marks a running one for its worker. Throws `run-already-final`. */
  requestCancel(runId: string, by: string, effect: string): Promise<Run>;
  /** Running, without a heartbeat for so long: their worker died. */
  findStale(options: { readonly deadAfterMs: number }): Promise<readonly Run[]>;
  /** Queued or waiting, and the queue not told about it for so long: its bell may be lost. */
  findUnrung(options: { readonly olderThanMs: number; readonly limit?: number }): Promise<readonly Run[]>;
  markRung(runIds: readonly string[]): Promise<void>;
  /** Empties what runs that ended so long ago brought of a server's files; gives of how many. */
  forgetFileContents(olderThanMs: number): Promise<number>;
  /** Not final, newest first: of these servers, or of all when left out. */
  unfinished(serverIds?: readonly string[]): Promise<readonly Run[]>;
  /** The newest run of each schedule that has one. */
  latestOfSchedules(scheduleIds: readonly string[]): Promise<readonly Run[]>;
  /** The newest runs of a kind that succeeded, newest first; past rates for estimates. */
  latestSucceeded(serverId: string, kind: RunKind, limit: number): Promise<readonly Run[]>;
  /** The newest finished run of a kind for each server (drills: with its result), whatever its end. */
  latestFinished(serverIds: readonly string[], kind: RunKind): Promise<readonly Run[]>;
  /** The newest drill of each server that said yes or no. One that was cancelled or not possible takes back no verdict. */
  latestDrillVerdicts(serverIds: readonly string[]): Promise<readonly Run[]>;
  /** The whole verifications of parts of all that servers have in a repository, by server, repository and part. */
  verifiedParts(serverIds: readonly string[]): Promise<readonly VerifiedPartRow[]>;
  /** Backup runs that failed or were interrupted since the last one that succeeded, per server id; 0 when left out. */
  failuresInRow(serverIds: readonly string[], kind: RunKind): Promise<ReadonlyMap<string, number>>;
}

export function createRunStore(prisma: PrismaClient): RunStore {
  const get = async (id: string) => {
    const row = await prisma.run.findUnique({ where: { id }, select: runColumns });
    return row === null ? null : toRun(row);
  };
  const getOrThrow = async (id: string) => {
    const run = await get(id);
    if (run === null) throw notFound("run", id);
    return run;
  };
  return {
    create: (run) => createRun(prisma, run),
    get,
    getMany: (ids) => findRuns(prisma, ids),
    list: (filter, page) => listRuns(prisma, filter, page),
    claim: async (runId, workerId) => {
      const won = await claimRun(prisma, runId, workerId);
      const run = await get(runId);
      if (run === null) return { claimed: false, reason: "missing", run };
      if (won) return { claimed: true, run };
      return { claimed: false, reason: isFinalRunState(run.state) ? "final" : "running", run };
    },
    heartbeat: (workerId, runIds) => beat(prisma, workerId, runIds),
    setWaiting: async (runId, reason) => {
      const { count } = await prisma.run.updateMany({
        where: { id: runId, state: { in: [...beforeStart] } },
        data: { state: "waiting", waitingReason: reason },
      });
      return count === 1;
    },
    progress: async (runId, workerId, progress) => {
      const { count } = await prisma.run.updateMany({
        where: { id: runId, workerId, state: "running" },
        data: { ...progress },
      });
      if (count === 1) await prisma.$queryRaw`SELECT pg_notify(${runChannel}, ${runId})::text AS notified`;
      return count === 1;
    },
    appendEvents: async (runId, events) => {
      const seq = await appendEvents(prisma, runId, events);
      if (seq === null) await getOrThrow(runId);
      return seq;
    },
    eventsAfter: (runId, seq, limit) => readEvents(prisma, runId, seq, limit),
    finish: async (runId, outcome) => {
      const finished = await endRun(prisma, runId, outcome, notFinal);
      return { finished, run: await getOrThrow(runId) };
    },
    requestCancel: (runId, by, effect) => cancelRun(prisma, runId, { by, effect }, getOrThrow),
    findStale: ({ deadAfterMs }) => findStale(prisma, deadAfterMs),
    findUnrung: ({ olderThanMs, limit }) => findUnrung(prisma, olderThanMs, limit ?? 500),
    forgetFileContents: (olderThanMs) => forgetFileContents(prisma, olderThanMs),
    markRung: async (runIds) => {
      await prisma.$executeRaw`UPDATE run SET rung_at = clock_timestamp() WHERE id = ANY(${runIds}::text[])`;
    },
    unfinished: (serverIds) => findUnfinished(prisma, serverIds),
    latestOfSchedules: (scheduleIds) => latestOfSchedules(prisma, scheduleIds),
    latestSucceeded: (serverId, kind, limit) => latestSucceeded(prisma, serverId, kind, limit),
    latestFinished: (serverIds, kind) => latestFinished(prisma, serverIds, kind),
    latestDrillVerdicts: (serverIds) => latestDrillVerdicts(prisma, serverIds),
    verifiedParts: (serverIds) => verifiedParts(prisma, serverIds),
    failuresInRow: (serverIds, kind) => failuresInRow(prisma, serverIds, kind),
  };
}
