import { ConnectionReportResult, InspectResult, RetentionResult, ServerActResult } from "@tidemark/jobs";
import { isFinalRunState } from "@tidemark/metadata";
import { drillEvidenceOf } from "../../use-cases/drill-evidence.ts";
import { foundMomentsOf } from "../../use-cases/find-moment.ts";
import { finishedRetention } from "../../use-cases/finished-retention.ts";
import { badField } from "../../use-cases/parse-input.ts";
import { restorePlanOf } from "../../use-cases/restore.ts";
import { listedResult, wholeResult } from "../../use-cases/run-result.ts";
import { cancelEffect, remainingOf } from "../../use-cases/runs.ts";
import { EventLevelEnum, RunKindEnum, RunStateEnum } from "../enums.ts";
import {
  BackupRef,
  ConnectionReportRef,
  FoundMomentsRef,
  InspectionRef,
  NodeRef,
  RepositoryRef,
  RestorePlanRef,
  RetentionPreviewRef,
  RunErrorRef,
  RunEventRef,
  RunRef,
  ScheduleRef,
  ServerRef,
} from "../refs.ts";
import { DrillEvidenceRef } from "./drill.ts";
import { ServerActResultRef, shownActResult } from "./server-act-result.ts";

RunRef.implement({
  description: "One execution of an act. The row is the truth; its log can be read again from any place.",
  interfaces: [NodeRef],
  isTypeOf: (value) => (value as { id: string }).id.startsWith("run_"),
  fields: (t) => ({
    id: t.exposeID("id", { description: "`run_…`" }),
    kind: t.expose("kind", { type: RunKindEnum, description: "Which act." }),
    state: t.expose("state", { type: RunStateEnum, description: "Where it is." }),
    server: t.field({
      type: ServerRef,
      nullable: true,
      description: "Null when it concerns none, or none is registered yet.",
      resolve: (run, _args, { loaders }) => (run.serverId === null ? null : loaders.server.load(run.serverId)),
    }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "Null when it concerns none, or it is not chosen yet.",
      resolve: (run, _args, { loaders }) => (run.backupId === null ? null : loaders.backup.load(run.backupId)),
    }),
    repository: t.field({
      type: RepositoryRef,
      nullable: true,
      description: "Null when it concerns none.",
      resolve: (run, _args, { loaders }) =>
        run.repositoryId === null ? null : loaders.repository.load(run.repositoryId),
    }),
    waitingReason: t.exposeString("waitingReason", {
      nullable: true,
      description: "Why it waits (`waiting for backup run run_…`); null when it does not.",
    }),
    phase: t.string({
      nullable: true,
      description: "What it does now; null before it began.",
      resolve: (run) => run.progress.phase,
    }),
    done: t.field({
      type: "BigInt",
      nullable: true,
      description: "Bytes done in this phase; null when it is not counted.",
      resolve: (run) => run.progress.done,
    }),
    total: t.field({
      type: "BigInt",
      nullable: true,
      description: "Bytes of this phase, estimated; null when it is not known.",
      resolve: (run) => run.progress.total,
    }),
    rateBytesPerSecond: t.float({
      nullable: true,
      description: "Null when it is not measured.",
      resolve: (run) => run.progress.rateBytesPerSecond,
    }),
    etaLowMs: t.float({
      nullable: true,
      description: "Milliseconds the rest takes at least, likely; null when it cannot be told.",
      resolve: (run, _args, { services }) => remainingOf(run, services.clock.now()).lowMs,
    }),
    etaHighMs: t.float({
      nullable: true,
      description: "Milliseconds the rest takes at most, likely; null when it cannot be told.",
      resolve: (run, _args, { services }) => remainingOf(run, services.clock.now()).highMs,
    }),
    createdAt: t.expose("createdAt", { type: "DateTime", description: "When it was asked for." }),
    startedAt: t.expose("startedAt", {
      type: "DateTime",
      nullable: true,
      description: "Null before a worker took it.",
    }),
    finishedAt: t.expose("finishedAt", { type: "DateTime", nullable: true, description: "Null before its end." }),
    requestedBy: t.exposeString("requestedBy", {
      description: "`user:admin`, `token:tmk_…`, `schedule` or `tidemark`.",
    }),
    schedule: t.field({
      type: ScheduleRef,
      nullable: true,
      description: "The schedule that asked for it; null when somebody did, or the schedule is gone.",
      resolve: (run, _args, { loaders }) => (run.scheduleId === null ? null : loaders.schedule.load(run.scheduleId)),
    }),
    scheduledFor: t.expose("scheduledFor", {
      type: "DateTime",
      nullable: true,
      description: "The time it was due; null without a schedule.",
    }),
    lateMs: t.float({
      nullable: true,
      description: "Milliseconds by which it was asked for later than due; null without a schedule.",
      resolve: (run) =>
        run.scheduledFor === null ? null : Math.max(0, run.createdAt.getTime() - run.scheduledFor.getTime()),
    }),
    cancelRequestedAt: t.expose("cancelRequestedAt", {
      type: "DateTime",
      nullable: true,
      description: "Null: nobody asked.",
    }),
    cancelEffect: t.string({
      nullable: true,
      description: "What cancelling does (or did), in a sentence; null when it ended without.",
      resolve: (run) => run.cancelEffect ?? (isFinalRunState(run.state) ? null : cancelEffect(run)),
    }),
    error: t.expose("error", { type: RunErrorRef, nullable: true, description: "Why it failed; null: it did not." }),
    result: t.field({
      type: "JSON",
      nullable: true,
      description:
        "Kind-specific result, as the typed fields have it, without a file's bytes; null before its end, and to read-only access of settings and files of a server.",
      resolve: (run, _args, { principal }) => listedResult(run, principal?.access),
    }),
    connectionReport: t.field({
      type: ConnectionReportRef,
      nullable: true,
      description: "Of a connection test that ended; null for others.",
      resolve: (run) => {
        if (run.kind !== "connection-test" || run.result === null) return null;
        return ConnectionReportResult.parse(run.result);
      },
    }),
    inspection: t.field({
      type: InspectionRef,
      nullable: true,
      description: "What an INSPECT that ended found; null for others.",
      resolve: (run) => (run.kind === "inspect" && run.result !== null ? InspectResult.parse(run.result) : null),
    }),
    serverAct: t.field({
      type: ServerActResultRef,
      nullable: true,
      description:
        "What a SERVER_ACT that ended came to; null for others, and to read-only access of settings and files.",
      resolve: (run, _args, { principal }) => {
        const result = run.kind === "server-act" ? wholeResult(run, principal?.access) : null;
        return result === null ? null : shownActResult(ServerActResult.parse(result));
      },
    }),
    drill: t.field({
      type: DrillEvidenceRef,
      nullable: true,
      description: "What a DRILL that ended did and found; null for others.",
      resolve: (run) => drillEvidenceOf(run),
    }),
    restorePlan: t.field({
      type: RestorePlanRef,
      nullable: true,
      description: "Of a plan run that succeeded; null for others.",
      resolve: (run) => {
        const plan = restorePlanOf(run);
        return plan === null ? null : { run, plan };
      },
    }),
    foundMoments: t.field({
      type: FoundMomentsRef,
      nullable: true,
      description: "What a FIND_MOMENT run that succeeded found; null for others.",
      resolve: foundMomentsOf,
    }),
    retentionPreview: t.field({
      type: RetentionPreviewRef,
      nullable: true,
      description: "What a retention run that succeeded did; null for others.",
      resolve: (run, _args, { services }) => {
        const result = run.kind === "retention" ? RetentionResult.safeParse(run.result) : null;
        return result?.success ? finishedRetention(services, run, result.data) : null;
      },
    }),
    events: t.field({
      type: [RunEventRef],
      description: "Its log from after a number on.",
      args: {
        afterSeq: t.arg.int({ defaultValue: 0, description: "0: from the beginning." }),
        first: t.arg.int({ defaultValue: 100, description: "At most so many, 1 to 1000." }),
      },
      complexity: ({ first }) => ({ field: 100, multiplier: Math.min(Math.max(first ?? 100, 1), 1_000) }),
      resolve: (run, { afterSeq, first }, { services }) => {
        const limit = first ?? 100;
        if (limit < 1 || limit > 1_000) throw badField("first", "between 1 and 1000 events can be asked for");
        return services.metadata.runs.eventsAfter(run.id, afterSeq ?? 0, limit);
      },
    }),
    lastSeq: t.exposeInt("lastSeq", { description: "The number of its newest event; 0: none yet." }),
  }),
});

RunEventRef.implement({
  description: "One line of a run's log.",
  fields: (t) => ({
    runId: t.exposeID("runId", { description: "Of which run." }),
    seq: t.exposeInt("seq", { description: "1, 2, 3 … without gaps." }),
    at: t.expose("at", { type: "DateTime", description: "When." }),
    level: t.expose("level", { type: EventLevelEnum, description: "How much it matters." }),
    phase: t.exposeString("phase", {
      nullable: true,
      description: "What the run did then; null: before its first phase.",
    }),
    message: t.exposeString("message", { description: "What happened." }),
    done: t.expose("done", { type: "BigInt", nullable: true, description: "Bytes done; null when it is not counted." }),
    total: t.expose("total", {
      type: "BigInt",
      nullable: true,
      description: "Bytes of the phase; null when it is not known.",
    }),
    runState: t.expose("runState", { type: RunStateEnum, description: "The run's state after it." }),
  }),
});
