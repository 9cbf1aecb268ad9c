import { ServerCheckResult, ServerSnapshotDocument } from "@tidemark/jobs";
import { AppError } from "@tidemark/kit";
import { z } from "zod";
import { InspectServerInput, inspectServer } from "../use-cases/inspect-server.ts";
import { inspectedServers } from "../use-cases/inspected.ts";
import { missedIn, SetServerOfflineInput, setServerOffline, setServerOnline } from "../use-cases/offline.ts";
import { requireServer } from "../use-cases/requirements.ts";
import { accepted, answerOf, PageQuery, pageAnswer, pageRequest } from "./answers.ts";
import { FindingDocument, OfflinePeriodDocument, pageOf, RunDocument, ServerDocument } from "./documents.ts";
import { operation, type RestOperation } from "./operation.ts";
import { representFinding, representOfflinePeriod } from "./represent.ts";
import { serverAnswer } from "./server-operations.ts";

/** What is known of one server, and taking it out of service. */
export const inspectionOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/servers/{id}/snapshot",
    id: "getServerSnapshot",
    summary: "What the server told of itself when it was last inspected; 404 when it never was.",
    answers: { 200: { description: "The snapshot.", schema: ServerSnapshotDocument } },
    handle: async ({ services, params }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      const [inspected] = await inspectedServers(services, [server.id]);
      if (inspected !== undefined) return { status: 200, body: inspected.snapshot };
      throw new AppError("not-found", {
        message: `${server.name} was never inspected`,
        hint: "POST /servers/{id}/inspect does it",
      });
    },
  }),
  operation({
    method: "GET",
    path: "/servers/{id}/checks",
    id: "listServerChecks",
    summary: "All checks as they last stood, the good ones too; none when it was never inspected.",
    answers: {
      200: { description: "The checks.", schema: z.object({ items: z.array(ServerCheckResult) }) },
    },
    handle: async ({ services, params }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      const [inspected] = await inspectedServers(services, [server.id]);
      return { status: 200, body: { items: inspected?.checks ?? [] } };
    },
  }),
  operation({
    method: "GET",
    path: "/servers/{id}/findings",
    id: "listServerFindings",
    summary: "What checks found at a server, newest first.",
    query: PageQuery.extend({
      open: z
        .enum(["true", "false", "all"])
        .optional()
        .describe("true: what is still so; false: what was resolved; true when left out."),
    }),
    answers: { 200: { description: "A page.", schema: pageOf(FindingDocument) } },
    handle: async ({ services, params, query }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      const open = query.open === "all" ? undefined : query.open !== "false";
      const page = await services.metadata.findings.list({ serverId: server.id, open }, pageRequest(query));
      return pageAnswer(`/servers/${server.id}/findings`, query, page, page.rows.map(representFinding));
    },
  }),
  operation({
    method: "GET",
    path: "/servers/{id}/offline-periods",
    id: "listOfflinePeriods",
    summary: "When it was out of service, newest first, the present time included.",
    query: z.object({ limit: z.coerce.number().int().min(1).max(100).optional().describe("20 when left out.") }),
    answers: {
      200: { description: "The periods.", schema: z.object({ items: z.array(OfflinePeriodDocument) }) },
    },
    handle: async ({ services, params, query }) => {
      const server = await requireServer(services, params.id ?? "", "id");
      const [periods, schedules] = await Promise.all([
        services.metadata.offline.ofServer(server.id, query.limit ?? 20),
        services.metadata.schedules.ofServers([server.id]),
      ]);
      const now = services.clock.now();
      const items = periods.map((period) => representOfflinePeriod(period, missedIn(period, schedules, now)));
      return { status: 200, body: { items } };
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/inspect",
    id: "inspectServer",
    summary: "Reads what the server tells of itself and runs its checks; or asks only some checks again.",
    body: InspectServerInput.omit({ serverId: true }),
    answers: { 202: { description: "The inspection.", schema: RunDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await inspectServer(services, { principal, idempotencyKey }, { ...body, serverId: params.id });
      return await accepted(services, answerOf(outcome).runId);
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/offline",
    id: "setServerOffline",
    summary: "Takes it out of service: schedules and polls stop, acts are refused with server-offline.",
    body: SetServerOfflineInput.omit({ serverId: true }),
    answers: { 200: { description: "The server.", schema: ServerDocument } },
    handle: async ({ services, principal, params, body, idempotencyKey }) => {
      const outcome = await setServerOffline(services, { principal, idempotencyKey }, { ...body, serverId: params.id });
      return await serverAnswer(services, await requireServer(services, answerOf(outcome).serverId));
    },
  }),
  operation({
    method: "POST",
    path: "/servers/{id}/online",
    id: "setServerOnline",
    summary: "Puts it back into service; its newest offline period then lists what schedules missed.",
    answers: { 200: { description: "The server.", schema: ServerDocument } },
    handle: async ({ services, principal, params, idempotencyKey }) => {
      const outcome = await setServerOnline(services, { principal, idempotencyKey }, { serverId: params.id });
      return await serverAnswer(services, await requireServer(services, answerOf(outcome).serverId));
    },
  }),
];
