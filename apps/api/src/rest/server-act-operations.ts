import { z } from "zod";
import type { Services } from "../services.ts";
import type { ActOutcome, Caller } from "../use-cases/perform.ts";
import {
  CreateReplicationSlotInput,
  CreateRestorePointInput,
  checkpointServer,
  createReplicationSlot,
  createRestorePoint,
  DropReplicationSlotInput,
  dropReplicationSlot,
  planReplicationSlotDrop,
  ReadServerFileInput,
  ReadServerSettingsInput,
  readServerFile,
  readServerSettings,
  StatServerFileInput,
  statServerFile,
  switchWal,
} from "../use-cases/server-acts.ts";
import { accepted, answerOf } from "./answers.ts";
import { RunDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";

interface ActDefinition {
  /** Below /servers/{id}. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly useCase: (
    services: Services,
    caller: Caller,
    input: unknown,
  ) => Promise<ActOutcome<{ readonly runId: string }>>;
}

/** Every act at a server is a run: 202, and its `result` says what came of it. */
function serverActOperation({ path, useCase, ...rest }: ActDefinition): RestOperation {
  return operation({
    ...rest,
    method: "POST",
    path: `/servers/{id}${path}`,
    answers: { 202: { description: "The run; its result says what came of it.", schema: RunDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const { id: serverId, ...inPath } = params;
      const input = { ...((body as object | undefined) ?? {}), ...inPath, serverId };
      return await accepted(services, answerOf(await useCase(services, { principal, idempotencyKey }, input)).runId);
    },
  });
}

export const serverActOperations: readonly RestOperation[] = [
  serverActOperation({
    path: "/wal-switch",
    id: "switchWal",
    summary: "Closes the WAL segment that is being written.",
    useCase: switchWal,
  }),
  serverActOperation({
    path: "/checkpoint",
    id: "checkpointServer",
    summary: "Runs a checkpoint.",
    useCase: checkpointServer,
  }),
  serverActOperation({
    path: "/restore-points",
    id: "createRestorePoint",
    summary: "Writes a named place into the WAL, to which one can restore.",
    body: CreateRestorePointInput.omit({ serverId: true }),
    useCase: createRestorePoint,
  }),
  serverActOperation({
    path: "/slots",
    id: "createReplicationSlot",
    summary: "Makes a physical replication slot.",
    body: CreateReplicationSlotInput.omit({ serverId: true }),
    useCase: createReplicationSlot,
  }),
  serverActOperation({
    path: "/slots/{name}/drop-plan",
    id: "planReplicationSlotDrop",
    summary: "Says who reads from a slot, what it keeps and what dropping it means; its planHash executes it.",
    useCase: planReplicationSlotDrop,
  }),
  operation({
    method: "DELETE",
    path: "/servers/{id}/slots/{name}",
    id: "dropReplicationSlot",
    summary: "Executes a slot's drop plan; the run fails with plan-stale when the slot changed since.",
    takesIdempotencyKey: true,
    query: z.object({ planHash: DropReplicationSlotInput.shape.planHash }),
    answers: { 202: { description: "The run; its result says what came of it.", schema: RunDocument } },
    handle: async ({ services, principal, params, query, idempotencyKey }) => {
      const input = { serverId: params.id, name: params.name, planHash: query.planHash };
      const outcome = await dropReplicationSlot(services, { principal, idempotencyKey }, input);
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  serverActOperation({
    path: "/settings",
    id: "readServerSettings",
    summary: "Reads settings. Needs full access, since settings may hold secrets.",
    body: ReadServerSettingsInput.omit({ serverId: true }),
    useCase: readServerSettings,
  }),
  serverActOperation({
    path: "/file-stat",
    id: "statServerFile",
    summary: "Looks at a file or directory of the server's machine. Needs full access.",
    body: StatServerFileInput.omit({ serverId: true }),
    useCase: statServerFile,
  }),
  serverActOperation({
    path: "/file-read",
    id: "readServerFile",
    summary: "Reads a piece of a file of the server's machine, sealed for the recipient. Needs full access.",
    body: ReadServerFileInput.omit({ serverId: true }),
    useCase: readServerFile,
  }),
];
