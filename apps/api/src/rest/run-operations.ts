import { DrillResult, DrillSettingsJson } from "@tidemark/jobs";
import { runKinds } from "@tidemark/metadata";
import { z } from "zod";
import { ApplyRetentionInput, applyRetention } from "../use-cases/apply-retention.ts";
import { TakeBackupInput, takeBackup, VerifyBackupInput, verifyBackup } from "../use-cases/backups.ts";
import { exportDrillEvidence } from "../use-cases/drill-evidence.ts";
import { StartDrillInput, startDrill } from "../use-cases/drills.ts";
import { badField } from "../use-cases/parse-input.ts";
import { requireRun } from "../use-cases/requirements.ts";
import { PlanRestoreInput, planRestore, RunRestoreInput, runRestore } from "../use-cases/restore.ts";
import { listedResult, wholeResult } from "../use-cases/run-result.ts";
import { cancelRun } from "../use-cases/runs.ts";
import { TestConnectionInput, testConnection } from "../use-cases/servers.ts";
import { accepted, answerOf, PageQuery, pageAnswer, pageRequest } from "./answers.ts";
import { pageOf, RunDocument, RunEventDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";
import { representEvent, representRun } from "./represent.ts";

/** A file for other people's archives; what it has may grow, and then says another version. */
const DrillEvidenceDocument = z
  .object({
    document: z.literal("tidemark drill evidence"),
    version: z.literal(1),
    exportedAt: z.iso.datetime(),
    run: z.record(z.string(), z.unknown()).describe("Who asked, when it ran, how it ended."),
    server: z
      .object({ id: z.string(), name: z.string(), systemIdentifier: z.string().nullable() })
      .nullable()
      .describe("Null: it is gone."),
    backup: z.record(z.string(), z.unknown()).nullable().describe("What was restored."),
    asked: DrillSettingsJson,
    result: DrillResult,
  })
  .meta({ id: "DrillEvidence" });

/** What POST /runs starts, by kind. */
const acts = {
  backup: takeBackup,
  verify: verifyBackup,
  drill: startDrill,
  "restore-plan": planRestore,
  restore: runRestore,
  retention: applyRetention,
  "connection-test": testConnection,
};

const StartRun = z.discriminatedUnion("kind", [
  TakeBackupInput.extend({ kind: z.literal("backup") }),
  VerifyBackupInput.extend({ kind: z.literal("verify") }),
  StartDrillInput.extend({ kind: z.literal("drill") }),
  PlanRestoreInput.extend({ kind: z.literal("restore-plan") }),
  RunRestoreInput.extend({ kind: z.literal("restore") }),
  ApplyRetentionInput.extend({ kind: z.literal("retention") }),
  TestConnectionInput.extend({ kind: z.literal("connection-test") }),
]);

export const runOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/runs",
    id: "listRuns",
    summary: "Newest first; results without a file's bytes, which the run itself has.",
    query: PageQuery.extend({
      serverId: z.string().optional(),
      kind: z.enum(runKinds).optional(),
      state: RunDocument.shape.state.optional(),
    }),
    answers: { 200: { description: "A page.", schema: pageOf(RunDocument) } },
    handle: async ({ services, principal, query }) => {
      const filter = {
        serverId: query.serverId,
        kinds: query.kind === undefined ? undefined : [query.kind],
        states: query.state === undefined ? undefined : [query.state],
      };
      const page = await services.metadata.runs.list(filter, pageRequest(query));
      const now = services.clock.now();
      return pageAnswer(
        "/runs",
        query,
        page,
        page.rows.map((run) => representRun(run, now, listedResult(run, principal.access))),
      );
    },
  }),
  operation({
    method: "POST",
    path: "/runs",
    id: "startRun",
    summary:
      "Starts an act: a backup, a verification, a drill, a restore's plan, a restore, a retention, a connection test.",
    body: StartRun,
    answers: { 202: { description: "The run.", schema: RunDocument } },
    handle: async ({ services, principal, body, idempotencyKey }) => {
      const { kind, ...input } = body;
      if (!Object.hasOwn(acts, kind)) throw badField("kind", `one of ${Object.keys(acts).join(", ")} is needed`);
      const outcome = await acts[kind](services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf<{ runId: string }>(outcome).runId);
    },
  }),
  operation({
    method: "GET",
    path: "/runs/{id}",
    id: "getRun",
    summary: "One run.",
    answers: { 200: { description: "The run.", schema: RunDocument } },
    handle: async ({ services, principal, params }) => {
      const run = await requireRun(services, params.id ?? "");
      const result = wholeResult(run, principal.access);
      return { status: 200, body: representRun(run, services.clock.now(), result) };
    },
  }),
  operation({
    method: "GET",
    path: "/runs/{id}/events",
    id: "listRunEvents",
    summary: "A run's log from after a number on. Live: subscribe to runEvents at /graphql/stream.",
    query: z.object({
      afterSeq: z.coerce.number().int().min(0).optional().describe("0 when left out: from the beginning."),
      limit: z.coerce.number().int().optional().describe("1 to 1000; 100 when left out."),
    }),
    answers: { 200: { description: "Events, oldest first.", schema: z.object({ items: z.array(RunEventDocument) }) } },
    handle: async ({ services, params, query }) => {
      const run = await requireRun(services, params.id ?? "");
      const limit = query.limit ?? 100;
      if (limit < 1 || limit > 1_000) throw badField("limit", "between 1 and 1000 events can be asked for");
      const events = await services.metadata.runs.eventsAfter(run.id, query.afterSeq ?? 0, limit);
      return { status: 200, body: { items: events.map(representEvent) } };
    },
  }),
  operation({
    method: "GET",
    path: "/runs/{id}/evidence",
    id: "getDrillEvidence",
    summary: "Everything there is to show of a drill, as a file; /runs/{id}/evidence of the page is the same to print.",
    answers: { 200: { description: "The evidence.", schema: DrillEvidenceDocument } },
    handle: async ({ services, params }) => ({
      status: 200,
      headers: { "content-disposition": `attachment; filename="tidemark-drill-${params.id}.json"` },
      body: await exportDrillEvidence(services, params.id ?? ""),
    }),
  }),
  operation({
    method: "POST",
    path: "/runs/{id}/cancel",
    id: "cancelRun",
    summary: "Asks a run to stop; cancelEffect says what that does.",
    answers: { 202: { description: "The run.", schema: RunDocument } },
    handle: async ({ services, principal, params, idempotencyKey }) => {
      const outcome = await cancelRun(services, { principal, idempotencyKey }, { id: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
];
