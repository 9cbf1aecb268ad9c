import { AppError } from "@tidemark/kit";
import type { Server } from "@tidemark/metadata";
import { z } from "zod";
import type { Services } from "../services.ts";
import { standingsOf } from "../use-cases/protection.ts";
import { requireServer } from "../use-cases/requirements.ts";
import { AddServerInput, addServer, removeServer, UpdateServerInput, updateServer } from "../use-cases/servers.ts";
import { accepted, answerOf, PageQuery, pageAnswer, pageRequest } from "./answers.ts";
import { pageOf, RunDocument, ServerDocument } from "./documents.ts";
import { operation, type RestAnswer, type RestOperation } from "./operation.ts";
import { representServer } from "./represent.ts";

export const serverOperations: readonly RestOperation[] = [
  operation({
    method: "GET",
    path: "/servers",
    id: "listServers",
    summary: "Registered servers, by name.",
    query: PageQuery,
    answers: { 200: { description: "A page.", schema: pageOf(ServerDocument) } },
    handle: async ({ services, query }) => {
      const page = await services.metadata.servers.list({}, pageRequest(query));
      return pageAnswer("/servers", query, page, await represent(services, page.rows));
    },
  }),
  operation({
    method: "GET",
    path: "/servers/{id}",
    id: "getServer",
    summary: "One server. Its ETag guards changes.",
    answers: { 200: { description: "The server.", schema: ServerDocument } },
    handle: async ({ services, params }) =>
      serverAnswer(services, await requireServer(services, params.id ?? "", "id")),
  }),
  operation({
    method: "POST",
    path: "/servers",
    id: "addServer",
    summary: "Tests the connection and registers the server when it succeeds.",
    body: AddServerInput,
    answers: {
      202: { description: "The connection test; its serverId is set when it succeeded.", schema: RunDocument },
    },
    handle: async ({ services, principal, body, idempotencyKey }) =>
      accepted(services, answerOf(await addServer(services, { principal, idempotencyKey }, body)).runId),
  }),
  operation({
    method: "PATCH",
    path: "/servers/{id}",
    id: "updateServer",
    summary:
      "Changes name, policy, backup method, how WAL comes, or the connection. A new connection string is tested first: 202 with that run.",
    headers: { "If-Match": "The ETag of the server as you know it. Required." },
    body: UpdateServerInput.omit({ id: true, expectedVersion: true }),
    answers: {
      200: { description: "The changed server.", schema: ServerDocument },
      202: { description: "The test of the new connection string.", schema: RunDocument },
    },
    handle: async ({ services, principal, params, headers, body }) => {
      const input = { ...body, id: params.id, expectedVersion: readEtag(headers["if-match"]) };
      const answer = answerOf(await updateServer(services, { principal }, input));
      if (answer.runId !== null) return await accepted(services, answer.runId);
      return await serverAnswer(services, await requireServer(services, answer.serverId));
    },
  }),
  operation({
    method: "DELETE",
    path: "/servers/{id}",
    id: "removeServer",
    summary: "Forgets a server; its backups stay in the repository.",
    query: z.object({ confirmName: z.string().describe("The server's name, to confirm.") }),
    answers: {
      200: { description: "What stays.", schema: z.object({ removedId: z.string(), sentence: z.string() }) },
    },
    handle: async ({ services, principal, params, query }) => ({
      status: 200,
      body: answerOf(await removeServer(services, { principal }, { id: params.id, confirmName: query.confirmName })),
    }),
  }),
];

async function represent(services: Services, servers: readonly Server[]) {
  const ids = servers.map((server) => server.id);
  const [standings, schedules] = await Promise.all([
    standingsOf(services.metadata, servers, services.clock.now()),
    services.metadata.schedules.ofServers(ids),
  ]);
  return servers.flatMap((server, index) => {
    const standing = standings[index];
    return standing === undefined ? [] : [representServer(server, standing, schedules)];
  });
}

/** One server and its ETag. */
export async function serverAnswer(services: Services, server: Server): Promise<RestAnswer> {
  const [body] = await represent(services, [server]);
  return { status: 200, body, headers: { etag: `"${server.version}"` } };
}

/** Throws `bad-request` when it is missing and `version-conflict` when no version of ours was meant. */
function readEtag(ifMatch: string | undefined): number {
  if (ifMatch === undefined) {
    throw new AppError("bad-request", {
      message: "a change needs an If-Match header with the server's ETag",
      hint: "GET the server first: then nobody's change is overwritten unseen",
    });
  }
  const version = /^"(\d{1,9})"$/.exec(ifMatch.trim())?.[1];
  if (version !== undefined) return Number(version);
  throw new AppError("version-conflict", { message: `${ifMatch} is not the server's ETag` });
}
