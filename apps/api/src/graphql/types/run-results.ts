import { type ConnectionReportResult, parseRunRequest, type RestorePlanResult } from "@tidemark/jobs";
import { restoreCommand, restoreMutation } from "../../use-cases/restore-twins.ts";
import { builder } from "../builder.ts";
import { StepStateEnum } from "../enums.ts";
import {
  BackupRef,
  ConnectionReportRef,
  PrivilegesRef,
  RemedyRef,
  RestorePlanRef,
  RunErrorRef,
  ServerCheckRef,
  ServerRef,
} from "../refs.ts";
import { toBigInt } from "./backup-parts.ts";
import { requiredRow } from "./required-row.ts";

const ConnectionStepRef = builder.objectRef<ConnectionReportResult["steps"][number]>("ConnectionStep").implement({
  description: "One step of reaching a server; nothing is claimed beyond the first that failed.",
  fields: (t) => ({
    step: t.exposeString("step", {
      description: "`dns`, `tcp`, `tls`, `authentication`, `database`, `role`, `replication` or `version`.",
    }),
    title: t.exposeString("title", { description: "For people." }),
    state: t.expose("state", { type: StepStateEnum, description: "How it ended." }),
    durationMs: t.exposeFloat("durationMs", { nullable: true, description: "Milliseconds; null when it was skipped." }),
    detail: t.exposeString("detail", { nullable: true, description: "What was found; null: nothing to say." }),
    error: t.expose("error", { type: RunErrorRef, nullable: true, description: "Why it failed; null: it did not." }),
    remedy: t.expose("remedy", {
      type: RemedyRef,
      nullable: true,
      description: "How to mend it; null: nothing to mend.",
    }),
  }),
});

const ConnectionFactsRef = builder
  .objectRef<NonNullable<ConnectionReportResult["facts"]>>("ConnectionFacts")
  .implement({
    description: "What a server said of itself.",
    fields: (t) => ({
      systemIdentifier: t.exposeString("systemIdentifier", { description: "The cluster's own." }),
      serverVersion: t.exposeString("serverVersion", { description: "As it prints it." }),
      majorVersion: t.exposeInt("majorVersion", { description: "13 to 18." }),
      inRecovery: t.exposeBoolean("inRecovery", { description: "Whether it is a standby." }),
      walLevel: t.exposeString("walLevel", { description: "wal_level." }),
      checksums: t.exposeBoolean("checksums", {
        nullable: true,
        description: "Whether pages carry checksums; null: it may not be asked.",
      }),
      sizeBytes: t.field({
        type: "BigInt",
        nullable: true,
        description: "Of all databases; null: it may not be asked.",
        resolve: (facts) => toBigInt(facts.sizeBytes),
      }),
    }),
  });

const DuplicateServerRef = builder
  .objectRef<NonNullable<ConnectionReportResult["duplicateOf"]>>("DuplicateServer")
  .implement({
    description:
      "Another registered server with the same system identifier; offer it as a member when this one is its standby.",
    fields: (t) => ({
      server: t.field({
        type: ServerRef,
        description: "Which.",
        resolve: (one, _args, { loaders }) => requiredRow(loaders.server.load(one.serverId), one.serverId),
      }),
      asMember: t.exposeBoolean("asMember", { description: "Whether the tested one is its standby." }),
    }),
  });

ConnectionReportRef.implement({
  description: "A connection tested step by step.",
  fields: (t) => ({
    ok: t.exposeBoolean("ok", { description: "Whether backups can be taken over it." }),
    steps: t.field({ type: [ConnectionStepRef], description: "In order.", resolve: (report) => report.steps }),
    facts: t.expose("facts", {
      type: ConnectionFactsRef,
      nullable: true,
      description: "Null when it did not get so far.",
    }),
    duplicateOf: t.expose("duplicateOf", {
      type: DuplicateServerRef,
      nullable: true,
      description: "Null: the server is new.",
    }),
    checks: t.field({
      type: [ServerCheckRef],
      description: "The readiness checks, as far as the login got; empty before it.",
      complexity: { field: 1, multiplier: 30 },
      resolve: (report) => report.checks,
    }),
    privileges: t.expose("privileges", {
      type: PrivilegesRef,
      nullable: true,
      description: "What the role may do; null when it did not get so far.",
    }),
  }),
});

const TablespaceMappingRef = builder
  .objectRef<RestorePlanResult["tablespaces"][number]>("TablespaceMapping")
  .implement({
    description: "Where a tablespace goes.",
    fields: (t) => ({
      oid: t.exposeInt("oid", { description: "The server's number for it." }),
      from: t.exposeString("from", { description: "Where it was." }),
      to: t.exposeString("to", { description: "Where it will be." }),
    }),
  });

const PlanCheckRef = builder.objectRef<RestorePlanResult["checks"][number]>("PlanCheck").implement({
  description: "Something looked at before anything is written.",
  fields: (t) => ({
    id: t.exposeString("id", { description: "A stable name." }),
    state: t.expose("state", { type: StepStateEnum, description: "How it ended." }),
    sentence: t.exposeString("sentence", { description: "What was found." }),
  }),
});

const RestoreDeltaRef = builder.objectRef<NonNullable<RestorePlanResult["delta"]>>("RestoreDelta").implement({
  description: "What a delta restore does to what is there.",
  fields: (t) => ({
    comparedFiles: t.exposeInt("comparedFiles", { description: "Files compared, and rewritten where they differ." }),
    comparedBytes: t.field({
      type: "BigInt",
      description: "Their size.",
      resolve: (delta) => BigInt(delta.comparedBytes),
    }),
    newFiles: t.exposeInt("newFiles", { description: "Files that are not there and are written whole." }),
    removedCount: t.exposeInt("removedCount", { description: "Files and folders the backup does not have: removed." }),
    removedBytes: t.field({
      type: "BigInt",
      description: "Their size.",
      resolve: (delta) => BigInt(delta.removedBytes),
    }),
    removed: t.stringList({
      description: "Their paths, the first thousand.",
      complexity: { field: 1, multiplier: 20 },
      resolve: (delta) => [...delta.removed],
    }),
  }),
});

const PlannedRecoveryRef = builder.objectRef<NonNullable<RestorePlanResult["recovery"]>>("PlannedRecovery").implement({
  description: "How a restored server recovers to its target.",
  fields: (t) => ({
    timeline: t.exposeInt("timeline", { description: "That it follows." }),
    throughLsn: t.exposeString("throughLsn", { description: "The end of the WAL it needs." }),
    throughAt: t.field({
      type: "DateTime",
      nullable: true,
      description: "The last commit before that, by the server's clock; null: none was seen.",
      resolve: ({ throughAt }) => (throughAt === null ? null : new Date(throughAt)),
    }),
    segments: t.exposeInt("segments", { description: "WAL segments beside those in the backup." }),
    storedBytes: t.field({
      type: "BigInt",
      description: "To be fetched of them.",
      resolve: ({ storedBytes }) => BigInt(storedBytes),
    }),
    plainBytes: t.field({
      type: "BigInt",
      description: "The same unpacked.",
      resolve: ({ plainBytes }) => BigInt(plainBytes),
    }),
    sentence: t.exposeString("sentence", { description: "To where and how." }),
    notes: t.exposeStringList("notes", { description: "What one should know." }),
  }),
});

const RestoreEstimateRef = builder.objectRef<NonNullable<RestorePlanResult["estimate"]>>("RestoreEstimate").implement({
  description: "How long it would take, reckoned from sizes.",
  fields: (t) => ({
    lowMs: t.exposeFloat("lowMs", { description: "Milliseconds at least, likely." }),
    highMs: t.exposeFloat("highMs", { description: "Milliseconds at most, likely." }),
    how: t.exposeString("how", { description: "What it was reckoned from." }),
  }),
});

RestorePlanRef.implement({
  description: "What a restore would do; executed by runRestore with its hash.",
  fields: (t) => ({
    planHash: t.string({ description: "Give it to runRestore.", resolve: ({ plan }) => plan.planHash }),
    ok: t.boolean({ description: "Whether every check passed.", resolve: ({ plan }) => plan.ok }),
    backup: t.field({
      type: BackupRef,
      description: "What is restored.",
      resolve: ({ plan }, _args, { loaders }) => requiredRow(loaders.backup.load(plan.backupId), plan.backupId),
    }),
    targetDirectory: t.string({ description: "Where to.", resolve: ({ plan }) => plan.targetDirectory }),
    tablespaces: t.field({
      type: [TablespaceMappingRef],
      description: "Where tablespaces go.",
      resolve: ({ plan }) => plan.tablespaces,
    }),
    fileCount: t.int({ description: "Files written.", resolve: ({ plan }) => plan.fileCount }),
    bytesToWrite: t.field({
      type: "BigInt",
      description: "Into the target.",
      resolve: ({ plan }) => BigInt(plan.bytesToWrite),
    }),
    bytesToRead: t.field({
      type: "BigInt",
      description: "From the repository.",
      resolve: ({ plan }) => BigInt(plan.bytesToRead),
    }),
    checks: t.field({ type: [PlanCheckRef], description: "In order.", resolve: ({ plan }) => plan.checks }),
    sentence: t.string({ description: "The plan in words.", resolve: ({ plan }) => plan.sentence }),
    delta: t.field({
      type: RestoreDeltaRef,
      nullable: true,
      description: "Null unless it is a delta restore.",
      resolve: ({ plan }) => plan.delta,
    }),
    emptiedDatabases: t.stringList({
      description: "Databases whose files are left empty; none when all are restored whole.",
      complexity: { field: 1, multiplier: 5 },
      resolve: ({ plan }) => [...(plan.databases?.emptied ?? [])],
    }),
    recovery: t.field({
      type: PlannedRecoveryRef,
      nullable: true,
      description: "Null: to the end of the backup, or the target cannot be reached (the checks say why).",
      resolve: ({ plan }) => plan.recovery,
    }),
    estimate: t.field({
      type: RestoreEstimateRef,
      nullable: true,
      description: "Null in plans of an older Tidemark.",
      resolve: ({ plan }) => plan.estimate,
    }),
    equivalentCli: t.string({
      description: "The command that does the same.",
      resolve: async ({ run, plan }, _args, { loaders }) => {
        const server = run.serverId === null ? null : await loaders.server.load(run.serverId);
        const request = parseRunRequest("restore-plan", run.request);
        return restoreCommand(server?.name ?? run.serverId ?? "", plan, request);
      },
    }),
    equivalentGraphql: t.string({
      description: "The mutation that does the same.",
      resolve: ({ run, plan }) => restoreMutation(run.id, plan),
    }),
  }),
});
