import type { BackupRow } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import {
  AnnotateBackupInput,
  annotateBackup,
  HoldBackupInput,
  holdBackup,
  releaseBackup,
  VerifyAreaInput,
  verifyArea,
} from "../use-cases/backups.ts";
import { DeleteBackupInput, deleteBackup } from "../use-cases/delete-backup.ts";
import { notFound } from "../use-cases/parse-input.ts";
import { readingReasons } from "../use-cases/reading-reason.ts";
import { downloadRecoveryKit } from "../use-cases/repositories.ts";
import { accepted, answerOf, PageQuery, pageAnswer, pageRequest } from "./answers.ts";
import { BackupDocument, DeletePlanDocument, pageOf, RecoveryKitDocument, RunDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";
import { representBackup } from "./represent.ts";

const marked = { 202: { description: "The run that writes it.", schema: RunDocument } };

export const backupOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/backups",
    id: "listBackups",
    summary: "Newest first; without a state all but deleted ones.",
    query: PageQuery.extend({
      serverId: z.string().optional(),
      state: BackupDocument.shape.state.optional(),
    }),
    answers: { 200: { description: "A page.", schema: pageOf(BackupDocument) } },
    handle: async ({ services, query }) => {
      const filter = { serverId: query.serverId, states: query.state === undefined ? undefined : [query.state] };
      const page = await services.metadata.backups.list(filter, pageRequest(query));
      return pageAnswer("/backups", query, page, await representBackups(services, page.rows));
    },
  }),
  operation({
    method: "GET",
    path: "/backups/{id}",
    id: "getBackup",
    summary: "One backup; deleted ones are found too.",
    answers: { 200: { description: "The backup.", schema: BackupDocument } },
    handle: async ({ services, params }) => {
      const backup = await services.metadata.backups.get(params.id ?? "");
      if (backup === null) throw notFound("backup", params.id ?? "", "id");
      const [body] = await representBackups(services, [backup]);
      return { status: 200, body };
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/verifications",
    id: "verifyArea",
    summary: "Verifies every backup a server has in a repository, each pack once for all that share it.",
    body: VerifyAreaInput.omit({ serverId: true }),
    answers: { 202: { description: "The verification.", schema: RunDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await verifyArea(services, { principal, idempotencyKey }, { ...body, serverId: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/backups/{id}/hold",
    id: "holdBackup",
    summary: "Keeps it from being deleted, by anybody and anything.",
    body: HoldBackupInput.omit({ id: true }),
    answers: marked,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await holdBackup(services, { principal, idempotencyKey }, { ...body, id: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/backups/{id}/release",
    id: "releaseBackup",
    summary: "Ends a hold.",
    answers: marked,
    handle: async ({ services, principal, params, idempotencyKey }) => {
      const outcome = await releaseBackup(services, { principal, idempotencyKey }, { id: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/backups/{id}/note",
    id: "annotateBackup",
    summary: "Writes a note; an empty one takes it away.",
    body: AnnotateBackupInput.omit({ id: true }),
    answers: marked,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await annotateBackup(services, { principal, idempotencyKey }, { ...body, id: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/backups/{id}/delete",
    id: "deleteBackup",
    summary: "Without planHash the plan; with the plan's hash the run that deletes, or 409 plan-stale.",
    body: DeleteBackupInput.omit({ id: true }),
    answers: {
      200: { description: "The plan.", schema: DeletePlanDocument },
      202: { description: "The run that deletes.", schema: RunDocument },
    },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await deleteBackup(services, { principal, idempotencyKey }, { ...body, id: params.id });
      const { plan, runId } = answerOf(outcome);
      return runId === null ? { status: 200, body: plan } : await accepted(services, runId);
    },
  }),
  operation({
    method: "GET",
    path: "/repositories/{id}/recovery-kit",
    id: "downloadRecoveryKit",
    summary: "The kit of a finished recovery-kit run: once, within an hour, with the token its asker was given.",
    headers: { "X-Download-Token": "downloadToken of requestRecoveryKit. Required." },
    query: z.object({ run: z.string().describe("The run that packed it.") }),
    answers: { 200: { description: "The kit as a file.", schema: RecoveryKitDocument } },
    handle: async ({ services, principal, params, query, headers }) => {
      const file = await downloadRecoveryKit(
        services,
        { principal },
        { repositoryId: params.id, run: query.run, downloadToken: headers["x-download-token"] },
      );
      const fileName = file.fileName.replaceAll(/[^A-Za-z0-9._-]/g, "_");
      return {
        status: 200,
        body: file.text,
        mediaType: "text/plain; charset=utf-8",
        headers: { "content-disposition": `attachment; filename="${fileName}"` },
      };
    },
  }),
];

async function representBackups({ metadata }: Services, rows: readonly BackupRow[]) {
  const reasons = await readingReasons(metadata.runs, rows);
  return rows.map((row) => representBackup(row, reasons.get(row.id) ?? null));
}
