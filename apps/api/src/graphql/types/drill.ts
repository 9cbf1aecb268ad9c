import type { DrillResult, DrillSettingsJson } from "@tidemark/jobs";
import { type DrillEvidence, drilledBackupId } from "../../use-cases/drill-evidence.ts";
import { builder } from "../builder.ts";
import { BackupRef } from "../refs.ts";
import { ProofCheckRef, ProofPhaseRef } from "./backup-parts.ts";

type Expectations = DrillSettingsJson["expectations"];

const ExpectedRowsRef = builder.objectRef<Expectations["rows"][number]>("ExpectedRows").implement({
  description: "How many rows a table must have.",
  fields: (t) => ({
    database: t.exposeString("database", { description: "In which database." }),
    table: t.exposeString("table", { description: "As SQL names it." }),
    rows: t.exposeFloat("rows", { description: "How many." }),
    tolerancePercent: t.exposeFloat("tolerancePercent", { description: "How many more or fewer are accepted." }),
  }),
});

const ExpectedAnswerRef = builder.objectRef<Expectations["sql"][number]>("ExpectedAnswer").implement({
  description: "A question in SQL and what it must give.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "What it is called in the evidence." }),
    database: t.exposeString("database", { description: "In which database." }),
    sql: t.exposeString("sql", { description: "One statement." }),
    expected: t.expose("expected", { type: "JSON", description: "The rows, each a list of values as text or null." }),
    timeoutMs: t.exposeInt("timeoutMs", { description: "Milliseconds it may take." }),
  }),
});

const DrillExpectationsRef = builder.objectRef<Expectations>("DrillExpectations").implement({
  description: "What a drill shall find, beside what each one checks.",
  fields: (t) => ({
    rows: t.field({ type: [ExpectedRowsRef], description: "Counts.", resolve: ({ rows }) => rows }),
    sql: t.field({ type: [ExpectedAnswerRef], description: "Questions.", resolve: ({ sql }) => sql }),
    estimateTolerancePercent: t.exposeFloat("estimateTolerancePercent", {
      nullable: true,
      description: "How far a count may be from the server's own estimate; null: not compared.",
    }),
  }),
});

export const DrillSettingsRef = builder.objectRef<DrillSettingsJson>("DrillSettings").implement({
  description: "How a server is drilled.",
  fields: (t) => ({
    target: t.field({
      type: "JSON",
      nullable: true,
      description: "To where; null: the end of the archived WAL, or of the backup where there is none.",
      resolve: ({ target }) => (target === null || target.kind === "behind" ? null : target),
    }),
    behindSeconds: t.int({
      nullable: true,
      description: "So long before the last archived commit; null: not asked for.",
      resolve: ({ target }) => (target?.kind === "behind" ? target.seconds : null),
    }),
    timeline: t.string({ description: "A number, `latest` or `current`.", resolve: ({ timeline }) => `${timeline}` }),
    expectations: t.expose("expectations", { type: DrillExpectationsRef, description: "What it shall find." }),
    maxBytes: t.exposeString("maxBytes", {
      nullable: true,
      description: "A copy that needs more is not made, decimal text; null: no limit but the worker's and the disk's.",
    }),
    checkSeconds: t.exposeInt("checkSeconds", { description: "For all checks together." }),
    replaySeconds: t.exposeInt("replaySeconds", { description: "For the replay of WAL." }),
  }),
});

const DrillRestoredRef = builder.objectRef<NonNullable<DrillResult["restored"]>>("DrillRestored").implement({
  description: "What a drill restored.",
  fields: (t) => ({
    serverName: t.exposeString("serverName", { description: "As the backup has it." }),
    systemIdentifier: t.exposeString("systemIdentifier", { description: "The cluster's own." }),
    sourceVersion: t.exposeInt("sourceVersion", { description: "server_version_num of the source." }),
    stoppedAt: t.field({
      type: "DateTime",
      description: "When the backup was complete.",
      resolve: ({ stoppedAt }) => new Date(stoppedAt),
    }),
    bytes: t.field({ type: "BigInt", description: "Written.", resolve: ({ bytes }) => BigInt(bytes) }),
  }),
});

const DrillRecoveryRef = builder.objectRef<NonNullable<DrillResult["recovery"]>>("DrillRecovery").implement({
  description: "To where a drill recovered.",
  fields: (t) => ({
    target: t.expose("target", { type: "JSON", description: "What PostgreSQL was asked for." }),
    timeline: t.exposeInt("timeline", { description: "On which timeline." }),
    sentence: t.exposeString("sentence", { description: "In words." }),
    reachedLsn: t.exposeString("reachedLsn", { nullable: true, description: "How far it came; null: it did not say." }),
    reachedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "Of the last commit that was applied; null: none was.",
      resolve: ({ reachedAt }) => (reachedAt === null ? null : new Date(reachedAt)),
    }),
    segments: t.exposeInt("segments", { description: "WAL segments given to it." }),
    waitedMs: t.exposeFloat("waitedMs", { description: "Milliseconds it waited for them." }),
  }),
});

export const DrillEvidenceRef = builder.objectRef<DrillEvidence>("DrillEvidence").implement({
  description:
    "What a drill did and found. GET /api/v1/runs/{id}/evidence gives the same as a file. Null fields: an older Tidemark did not keep it, or the drill did not come so far.",
  fields: (t) => ({
    outcome: t.string({
      description: "proven, failed, not-possible (here) or unreachable (the target).",
      resolve: ({ result }) => result.outcome,
    }),
    reason: t.string({
      nullable: true,
      description: "Why it is not proven; null: it is.",
      resolve: ({ result }) => result.reason,
    }),
    rtoMs: t.float({
      nullable: true,
      description: "Milliseconds from the first byte fetched to a server at its target; null: it never was.",
      resolve: ({ result }) => result.rtoMs,
    }),
    phases: t.field({ type: [ProofPhaseRef], description: "In order.", resolve: ({ result }) => result.phases }),
    checks: t.field({ type: [ProofCheckRef], description: "In order.", resolve: ({ result }) => result.checks }),
    asked: t.field({ type: DrillSettingsRef, description: "What was asked of it.", resolve: ({ asked }) => asked }),
    backup: t.field({
      type: BackupRef,
      nullable: true,
      description: "What was restored; null: none was chosen, or it is gone.",
      resolve: (evidence, _args, { loaders }) => {
        const id = drilledBackupId(evidence);
        return id === null ? null : loaders.backup.load(id);
      },
    }),
    restored: t.field({
      type: DrillRestoredRef,
      nullable: true,
      description: "What the backup said of itself.",
      resolve: ({ result }) => result.restored,
    }),
    recovery: t.field({
      type: DrillRecoveryRef,
      nullable: true,
      description: "Null: to the end of the backup, without WAL of the archive.",
      resolve: ({ result }) => result.recovery,
    }),
    postgresVersion: t.string({
      nullable: true,
      description: "The PostgreSQL that was started.",
      resolve: ({ result }) => result.postgresVersion,
    }),
    tidemarkVersion: t.string({
      nullable: true,
      description: "The worker's.",
      resolve: ({ result }) => result.tidemarkVersion,
    }),
    hostname: t.string({ nullable: true, description: "Where it ran.", resolve: ({ result }) => result.hostname }),
    startedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it began.",
      resolve: ({ result }) => (result.startedAt === null ? null : new Date(result.startedAt)),
    }),
    finishedAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "When it ended.",
      resolve: ({ result }) => (result.finishedAt === null ? null : new Date(result.finishedAt)),
    }),
    log: t.string({
      nullable: true,
      description: "The end of PostgreSQL's log, of a drill that was not proven.",
      resolve: ({ result }) => result.log,
    }),
  }),
});
