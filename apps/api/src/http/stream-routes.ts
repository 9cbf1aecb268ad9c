import type { ServerResponse } from "node:http";
import { AppError } from "@tidemark/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError, type GraphQLSchema, getOperationAST, parse, validate } from "graphql";
import type { RequestParams } from "graphql-sse";
import { createHandler } from "graphql-sse/lib/use/fastify";
import { maskGraphqlError } from "../errors/graphql-error.ts";
import { checkOperation } from "../graphql/operation-rules.ts";
import type { Services } from "../services.ts";
import { contextOf } from "./graphql-routes.ts";

/**
 * POST and GET /graphql/stream: subscriptions (and any other operation) over SSE, one connection each (graphql-sse's
 * distinct connections mode), under the same rules as /graphql.
 */
export function addStreamRoutes(scope: FastifyInstance, schema: GraphQLSchema, services: Services): void {
  const open = new Set<ServerResponse>();
  // Cut, not completed: "complete" would tell the client that the run is over.
  scope.addHook("preClose", async () => {
    for (const response of open) response.destroy();
  });
  const handler = createHandler<Record<PropertyKey, unknown>>({
    schema,
    authenticate: () => undefined,
    onSubscribe: (request, params) => {
      try {
        return prepare(schema, services, request.raw, request.context.reply, params);
      } catch (error) {
        return refusal(maskGraphqlError(error, services.logger));
      }
    },
    onNext: (_context, _request, result) => {
      if (!("errors" in result) || result.errors === undefined) return undefined;
      return {
        ...result,
        errors: result.errors.map((error) => withoutStatus(maskGraphqlError(error, services.logger))),
      };
    },
  });
  scope.route({
    method: ["GET", "POST"],
    url: "/graphql/stream",
    handler: async (request, reply) => {
      open.add(reply.raw);
      reply.raw.once("close", () => open.delete(reply.raw));
      await handler(request, reply);
    },
  });
}

function prepare(
  schema: GraphQLSchema,
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  params: RequestParams,
) {
  const context = contextOf(services, request, reply);
  const document = typeof params.query === "string" ? parse(params.query, { maxTokens: 10_000 }) : params.query;
  const [invalid] = validate(schema, document);
  if (invalid !== undefined) throw invalid;
  const variables = params.variables ?? {};
  checkOperation({ schema, document, operationName: params.operationName, variables, context });
  if (request.method === "GET" && getOperationAST(document, params.operationName)?.operation === "mutation") {
    throw new AppError("bad-request", { message: "send mutations with POST" });
  }
  return {
    schema,
    document,
    operationName: params.operationName ?? null,
    variableValues: variables,
    contextValue: context as unknown as Record<PropertyKey, unknown>,
  };
}

function refusal(error: GraphQLError) {
  const { http } = error.extensions as { http?: { status: number } };
  const body = JSON.stringify({ errors: [withoutStatus(error)] });
  const headers = { "content-type": "application/json; charset=utf-8" };
  return [body, { status: http?.status ?? 400, statusText: "Refused", headers }] as const;
}

/** The status is in the answer's first line; the error itself has the code. */
function withoutStatus(error: GraphQLError): GraphQLError {
  const { http: _http, ...extensions } = error.extensions;
  return new GraphQLError(error.message, {
    nodes: error.nodes ?? null,
    path: error.path ?? null,
    extensions,
  });
}
