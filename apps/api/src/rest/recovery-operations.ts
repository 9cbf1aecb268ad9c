import { AppError } from "@tidemark/kit";
import { FindMomentInput, findMoment } from "../use-cases/find-moment.ts";
import { RecoveryTargetInput, resolveTarget } from "../use-cases/recovery-target.ts";
import { windowOf } from "../use-cases/recovery-window.ts";
import { requireServer } from "../use-cases/requirements.ts";
import { serverWals } from "../use-cases/server-wal.ts";
import { accepted, answerOf } from "./answers.ts";
import { RunDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";
import {
  RecoveryTargetDocument,
  RecoveryWindowDocument,
  representTarget,
  representWal,
  representWindow,
  ServerWalDocument,
} from "./recovery-documents.ts";

/** A server's WAL, and to where it can be restored. */
export const recoveryOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/servers/{id}/wal",
    id: "getServerWal",
    summary: "How its WAL comes to us, and what would be lost now.",
    answers: { 200: { description: "The state.", schema: ServerWalDocument } },
    handle: async ({ services, params }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      const [wal] = await serverWals(services.metadata, [server], services.clock.now());
      if (wal === undefined) throw new AppError("internal", { message: "a server without a WAL state" });
      return { status: 200, body: representWal(wal, await services.metadata.wal.coverage([server.id])) };
    },
  }),
  operation({
    method: "GET",
    path: "/servers/{id}/recovery-window",
    id: "getRecoveryWindow",
    summary: "To where it can be restored: stretches, gaps with their causes, branches and the live edge.",
    answers: { 200: { description: "The window.", schema: RecoveryWindowDocument } },
    handle: async ({ services, params }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      return { status: 200, body: representWindow(await windowOf(services, server)) };
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/recovery-target",
    id: "resolveRecoveryTarget",
    summary: "What a restore to a target would read, or why it cannot be reached and what can. Changes nothing.",
    body: RecoveryTargetInput,
    answers: { 200: { description: "The answer.", schema: RecoveryTargetDocument } },
    handle: async ({ services, params, body }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      return { status: 200, body: representTarget(await resolveTarget(services, server, body)) };
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/find-moment",
    id: "findMoment",
    summary:
      "Searches the archived WAL for transactions that dropped or truncated tables, or deleted or updated many rows; the run's result has them.",
    body: FindMomentInput.omit({ serverId: true }),
    answers: { 202: { description: "The run that searches.", schema: RunDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const input = { ...body, serverId: params.id };
      return await accepted(services, answerOf(await findMoment(services, { principal, idempotencyKey }, input)).runId);
    },
  }),
];
