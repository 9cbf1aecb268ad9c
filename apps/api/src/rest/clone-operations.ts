import { AppError } from "@tidemark/kit";
import type { CloneRow } from "@tidemark/metadata";
import { z } from "zod";
import {
  type CloneInput,
  CreateCloneInput,
  createClone,
  ExtendCloneInput,
  ExtractFromCloneInput,
  endClone,
  extendClone,
  extractFromClone,
  MoveCloneInput,
  moveClone,
  openCloneConnection,
  promoteClone,
  revealCloneConnection,
} from "../use-cases/clones.ts";
import { accepted, answerOf } from "./answers.ts";
import { RunDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";

const Time = z.iso.datetime();

const CloneDocument = z
  .object({
    id: z.string(),
    serverId: z.string(),
    backupId: z.string().nullable(),
    state: z.enum(["preparing", "running", "moving", "ending", "ended", "failed"]),
    target: z.unknown().describe("To where it was asked to recover."),
    reached: z.unknown().describe("How far it is, as it said itself."),
    promoted: z.boolean(),
    hostname: z.string().nullable(),
    host: z.string().nullable(),
    port: z.number().int().nullable(),
    userName: z.string().nullable(),
    path: z.string().nullable(),
    sizeBytes: z.string().nullable(),
    createdBy: z.string(),
    createdAt: Time,
    expiresAt: Time,
    endedAt: Time.nullable(),
    error: z.object({ code: z.string(), message: z.string() }).nullable(),
  })
  .meta({ id: "Clone" });

function represent(clone: CloneRow): z.input<typeof CloneDocument> {
  const { workerId: _worker, pid: _pid, ...shown } = clone;
  return {
    ...shown,
    sizeBytes: clone.sizeBytes === null ? null : String(clone.sizeBytes),
    createdAt: clone.createdAt.toISOString(),
    expiresAt: clone.expiresAt.toISOString(),
    endedAt: clone.endedAt?.toISOString() ?? null,
  };
}

const begun = { 202: { description: "The run that does it.", schema: RunDocument } };

/** Clones: restored servers that live for a time. */
export const cloneOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/clones",
    id: "listClones",
    summary: "Newest first.",
    query: z.object({
      serverId: z.string().optional().describe("Only of this server."),
      ended: z.enum(["true", "false"]).optional().describe("Those that have ended too."),
    }),
    answers: { 200: { description: "The clones.", schema: z.object({ items: z.array(CloneDocument) }) } },
    handle: async ({ services, query }) => {
      const clones = await services.metadata.clones.list({
        ...(query.serverId === undefined ? {} : { serverIds: [query.serverId] }),
        ...(query.ended === "true" ? {} : { living: true }),
      });
      return { status: 200, body: { items: clones.map(represent) } };
    },
  }),
  operation({
    method: "GET",
    path: "/clones/{id}",
    id: "getClone",
    summary: "One clone.",
    answers: { 200: { description: "The clone.", schema: CloneDocument } },
    handle: async ({ services, params }) => {
      const clone = await services.metadata.clones.get(params.id ?? "");
      if (clone === null) throw new AppError("not-found", { message: `there is no clone ${params.id}` });
      return { status: 200, body: represent(clone) };
    },
  }),
  operation({
    method: "POST",
    path: "/clones",
    id: "createClone",
    summary: "Makes a clone of a server at a target.",
    body: CreateCloneInput,
    answers: begun,
    handle: async ({ services, principal, body, idempotencyKey }) =>
      accepted(services, answerOf(await createClone(services, { principal, idempotencyKey }, body)).runId),
  }),
  operation({
    method: "POST",
    path: "/clones/{id}/move",
    id: "moveClone",
    summary: "Moves a paused clone on to a later target; never backwards.",
    body: MoveCloneInput.omit({ id: true }),
    answers: begun,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, id: params.id };
      return accepted(services, answerOf(await moveClone(services, { principal, idempotencyKey }, input)).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/clones/{id}/promote",
    id: "promoteClone",
    summary: "Lets a paused clone take writes.",
    answers: begun,
    handle: async ({ services, principal, params, idempotencyKey }) => {
      const input: z.input<typeof CloneInput> = { id: params.id ?? "" };
      return accepted(services, answerOf(await promoteClone(services, { principal, idempotencyKey }, input)).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/clones/{id}/extend",
    id: "extendClone",
    summary: "Lets a clone live so long from now on.",
    body: ExtendCloneInput.omit({ id: true }),
    answers: { 200: { description: "The clone.", schema: CloneDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, id: params.id };
      const { cloneId } = answerOf(await extendClone(services, { principal, idempotencyKey }, input));
      const clone = await services.metadata.clones.get(cloneId);
      if (clone === null) throw new AppError("not-found", { message: `there is no clone ${cloneId}` });
      return { status: 200, body: represent(clone) };
    },
  }),
  operation({
    method: "POST",
    path: "/clones/{id}/extract",
    id: "extractFromClone",
    summary: "Writes a table of it into a file on the clone's machine.",
    body: ExtractFromCloneInput.omit({ id: true }),
    answers: begun,
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, id: params.id };
      return accepted(services, answerOf(await extractFromClone(services, { principal, idempotencyKey }, input)).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/clones/{id}/connection",
    id: "revealCloneConnection",
    summary: "Starts the run that brings its connection string, sealed; the token opens it with GET.",
    answers: {
      200: {
        description: "The run, and the token that opens its answer.",
        schema: z.object({ runId: z.string(), downloadToken: z.string() }),
      },
    },
    handle: async ({ services, principal, params, idempotencyKey }) => ({
      status: 200,
      body: answerOf(await revealCloneConnection(services, { principal, idempotencyKey }, { id: params.id })),
    }),
  }),
  operation({
    method: "GET",
    path: "/clones/{id}/connection",
    id: "getCloneConnection",
    summary: "The connection string a finished run brought.",
    query: z.object({ run: z.string().describe("The run of revealCloneConnection.") }),
    headers: { "X-Download-Token": "The token of revealCloneConnection. Required." },
    answers: { 200: { description: "The connection string.", schema: z.string() } },
    handle: async ({ services, principal, params, query, headers }) => ({
      status: 200,
      mediaType: "text/plain; charset=utf-8",
      headers: { "cache-control": "no-store" },
      body: await openCloneConnection(
        services,
        { principal },
        { cloneId: params.id, run: query.run, downloadToken: headers["x-download-token"] ?? "" },
      ),
    }),
  }),
  operation({
    method: "DELETE",
    path: "/clones/{id}",
    id: "endClone",
    summary: "Ends it now and gives its space back.",
    answers: begun,
    handle: async ({ services, principal, params }) =>
      accepted(services, answerOf(await endClone(services, { principal }, { id: params.id })).runId),
  }),
];
