import {
  CopyBackupsInput,
  copyBackups,
  rebuildCatalog,
  SetSecondRepositoryInput,
  setSecondRepository,
} from "../use-cases/copies.ts";
import { requireServer } from "../use-cases/requirements.ts";
import { accepted, answerOf } from "./answers.ts";
import { RunDocument, ServerDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";
import { serverAnswer } from "./server-operations.ts";

export const copyOperations: readonly RestOperation[] = [
  operation({
    method: "POST",
    path: "/servers/{id}/second-repository",
    id: "setSecondRepository",
    summary: "Says which second repository a server's backups are copied to, and starts the first copy.",
    body: SetSecondRepositoryInput.omit({ serverId: true }),
    answers: {
      200: { description: "The server; no copies any more.", schema: ServerDocument },
      202: { description: "The first copy.", schema: RunDocument },
    },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const caller = { principal, idempotencyKey };
      const answer = answerOf(await setSecondRepository(services, caller, { ...body, serverId: params.id }));
      if (answer.runId !== null) return await accepted(services, answer.runId);
      return await serverAnswer(services, await requireServer(services, answer.serverId));
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/copies",
    id: "copyBackups",
    summary: "Brings backups to the server's second repository now. A copy follows each backup by itself.",
    body: CopyBackupsInput.omit({ serverId: true }),
    answers: { 202: { description: "The copy.", schema: RunDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const caller = { principal, idempotencyKey };
      const answer = answerOf(await copyBackups(services, caller, { ...body, serverId: params.id }));
      return await accepted(services, answer.runId);
    },
  }),
  operation({
    method: "POST",
    path: "/repositories/{id}/catalog",
    id: "rebuildCatalog",
    summary: "Makes rows of the servers, backups and holds a repository holds: after the database was lost.",
    answers: { 202: { description: "The run; its result says what was added.", schema: RunDocument } },
    handle: async ({ services, principal, params, idempotencyKey }) => {
      const caller = { principal, idempotencyKey };
      const answer = answerOf(await rebuildCatalog(services, caller, { repositoryId: params.id }));
      return await accepted(services, answer.runId);
    },
  }),
];
