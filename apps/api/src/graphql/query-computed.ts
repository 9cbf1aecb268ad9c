import { AppError, describeError } from "@tidemark/kit";
import type { WorkerRow } from "@tidemark/metadata";
import { describeSchedule, nextRuns } from "@tidemark/policy";
import type { Principal } from "../auth/principal.ts";
import { completeRetention, RetentionInput } from "../use-cases/inputs.ts";
import { type Overview, overviewOf } from "../use-cases/overview.ts";
import { notFound, parseInput } from "../use-cases/parse-input.ts";
import { RecoveryTargetInput, resolveTarget } from "../use-cases/recovery-target.ts";
import { requireServer } from "../use-cases/requirements.ts";
import { previewRetention } from "../use-cases/retention-plan.ts";
import { forecastRetention } from "../use-cases/simulate-retention.ts";
import { version } from "../version.ts";
import { builder } from "./builder.ts";
import { AccessEnum, ViewerKindEnum } from "./enums.ts";
import { RetentionInputRef } from "./mutations/policy-inputs.ts";
import { RecoveryTargetInputRef } from "./mutations/restore-inputs.ts";
import { FindingRef, RetentionPreviewRef, RunRef, UserErrorRef, type UserErrorShape, WorkerRef } from "./refs.ts";
import { RetentionForecastRef } from "./types/policy.ts";
import { RecoveryTargetAnswerRef } from "./types/recovery.ts";
import { checkCount } from "./types/schedule.ts";

const ViewerRef = builder.objectRef<Principal>("Viewer").implement({
  description: "Who asks.",
  fields: (t) => ({
    name: t.exposeString("name", { description: "The user's or the token's name." }),
    access: t.expose("access", { type: AccessEnum, description: "What it may do." }),
    kind: t.expose("kind", { type: ViewerKindEnum, description: "How it is known." }),
    mustChangePassword: t.exposeBoolean("mustChangePassword", {
      description: "Whether the password is still the one-time one; the page asks for an own one first.",
    }),
  }),
});

const OverviewRef = builder.objectRef<Overview>("Overview").implement({
  description: "What the first page says before anything else.",
  fields: (t) => ({
    sentence: t.exposeString("sentence", {
      description: "The page's first sentence: `1 of 1 servers can be restored; last proven 3 min ago`.",
    }),
    restorableServers: t.exposeInt("restorableServers", { description: "Servers a restore would give back." }),
    totalServers: t.exposeInt("totalServers", { description: "Registered servers." }),
    lastProvenAt: t.expose("lastProvenAt", {
      type: "DateTime",
      nullable: true,
      description: "The newest proof; null: none.",
    }),
    needsYou: t.field({
      type: [FindingRef],
      description: "Open findings, worst first.",
      resolve: (overview) => overview.needsYou,
    }),
    running: t.field({
      type: [RunRef],
      description: "Runs that are not final, newest first.",
      resolve: (overview) => overview.running,
    }),
  }),
});

interface SchedulePreviewShape {
  readonly sentence: string;
  readonly nextTimes: readonly Date[];
  readonly error: UserErrorShape | null;
}

const SchedulePreviewRef = builder.objectRef<SchedulePreviewShape>("SchedulePreview").implement({
  description: "What a cron expression means.",
  fields: (t) => ({
    sentence: t.exposeString("sentence", { description: "In words; empty when it cannot be used." }),
    nextTimes: t.field({
      type: ["DateTime"],
      description: "Empty when it cannot be used.",
      resolve: (one) => [...one.nextTimes],
    }),
    error: t.expose("error", {
      type: UserErrorRef,
      nullable: true,
      description: "Why it cannot be used; null: it can.",
    }),
  }),
});

interface SystemShape {
  readonly version: string;
  readonly workers: readonly WorkerRow[];
  readonly queueBackend: string;
  readonly metadataBackend: string;
  readonly home: string | null;
  readonly restoreRoots: readonly string[];
}

const SystemRef = builder.objectRef<SystemShape>("System").implement({
  description: "The control plane itself.",
  fields: (t) => ({
    version: t.exposeString("version", { description: "Of the product." }),
    workers: t.field({ type: [WorkerRef], description: "Newest first.", resolve: (system) => system.workers }),
    queueBackend: t.exposeString("queueBackend", { description: "`postgresql` or `redis`." }),
    metadataBackend: t.exposeString("metadataBackend", { description: "`postgresql`." }),
    home: t.exposeString("home", {
      nullable: true,
      description: "Where state lives on this machine; null when the api was not told.",
    }),
    restoreRoots: t.stringList({
      description: "Restores are only allowed below these; empty: anywhere the workers may write.",
      resolve: (system) => [...system.restoreRoots],
    }),
  }),
});

builder.queryFields((t) => ({
  viewer: t.field({
    type: ViewerRef,
    nullable: true,
    description: "Who asks; null when nobody is logged in.",
    resolve: (_root, _args, { principal }) => principal,
  }),
  overview: t.field({
    type: OverviewRef,
    description: "What the first page says.",
    complexity: 50,
    resolve: (_root, _args, { services }) => overviewOf(services),
  }),
  previewRetention: t.field({
    type: RetentionPreviewRef,
    description: "What retention would do now: with the server's policy, or with the one given (not saved).",
    args: {
      serverId: t.arg.id({ required: true, description: "Of which server." }),
      policy: t.arg({ type: RetentionInputRef, description: "Rules to try; the server's own when left out." }),
    },
    complexity: 50,
    resolve: async (_root, { serverId, policy }, { services, loaders }) => {
      const server = await requireServer(services, serverId);
      const rules = policy == null ? await loaders.policy.load(server.policyId) : readRules(policy);
      if (rules === null) throw notFound("policy", server.policyId);
      return await previewRetention(services, server, rules);
    },
  }),
  simulateRetention: t.field({
    type: RetentionForecastRef,
    description: "What there would be at a date to come: with the server's policy, or with the one given (not saved).",
    args: {
      serverId: t.arg.id({ required: true, description: "Of which server." }),
      at: t.arg({ type: "DateTime", required: true, description: "At most ten years ahead." }),
      policy: t.arg({ type: RetentionInputRef, description: "Rules to try; the server's own when left out." }),
    },
    complexity: 200,
    resolve: async (_root, { serverId, at, policy }, { services, loaders }) => {
      const server = await requireServer(services, serverId);
      const rules = policy == null ? await loaders.policy.load(server.policyId) : readRules(policy);
      if (rules === null) throw notFound("policy", server.policyId);
      return await forecastRetention(services, server.id, rules, at);
    },
  }),
  resolveRecoveryTarget: t.field({
    type: RecoveryTargetAnswerRef,
    description: "What a restore to a target would read, or why it cannot be reached and what can.",
    args: {
      serverId: t.arg.id({ required: true, description: "Of which server." }),
      target: t.arg({ type: RecoveryTargetInputRef, required: true, description: "To where." }),
    },
    complexity: 500,
    resolve: async (_root, { serverId, target }, { services }) =>
      await resolveTarget(services, await requireServer(services, serverId), parseInput(RecoveryTargetInput, target)),
  }),
  previewSchedule: t.field({
    type: SchedulePreviewRef,
    description: "Next times of a cron expression in a zone, and the sentence that says it.",
    args: {
      cron: t.arg.string({ required: true, description: "Five fields." }),
      zone: t.arg.string({ required: true, description: "IANA time zone." }),
      count: t.arg.int({ defaultValue: 5, description: "How many times, 1 to 100." }),
    },
    resolve: (_root, { cron, zone, count }, { services }) =>
      previewSchedule(cron, zone, services.clock.now(), checkCount(count)),
  }),
  system: t.field({
    type: SystemRef,
    description: "The control plane itself.",
    complexity: 20,
    resolve: async (_root, _args, { services }) => {
      const workers = await services.metadata.workers.list();
      return {
        version,
        workers,
        queueBackend: services.bells.backend,
        metadataBackend: "postgresql",
        home: services.home,
        restoreRoots: [...new Set(workers.filter((worker) => worker.alive).flatMap((worker) => worker.restoreRoots))],
      };
    },
  }),
}));

function readRules(policy: unknown) {
  return completeRetention(parseInput(RetentionInput, policy));
}

function previewSchedule(cron: string, zone: string, now: Date, count: number): SchedulePreviewShape {
  try {
    return { sentence: describeSchedule(cron, zone), nextTimes: nextRuns(cron, zone, now, count), error: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { sentence: "", nextTimes: [], error: { ...describeError(error), field: ["cron"] } };
  }
}
