import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { requireLogin } from "../http/identity.ts";
import type { Services } from "../services.ts";
import { parseInput } from "../use-cases/parse-input.ts";
import { apiRoot } from "./answers.ts";
import { openApiDocument } from "./openapi.ts";
import type { RestOperation } from "./operation.ts";
import { operations } from "./operations.ts";

/** /api/v1/*. Call after `addIdentity`. */
export function addRestRoutes(scope: FastifyInstance, services: Services): void {
  const document = JSON.stringify(openApiDocument());
  scope.get(`${apiRoot}/openapi.json`, (_request, reply) => reply.type("application/json").send(document));
  for (const operation of operations) {
    scope.route({
      method: operation.method,
      url: `${apiRoot}${operation.path.replaceAll(/\{(\w+)\}/g, ":$1")}`,
      handler: (request, reply) => answer(services, operation, request, reply),
    });
  }
}

async function answer(services: Services, operation: RestOperation, request: FastifyRequest, reply: FastifyReply) {
  const principal = requireLogin(request);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : value]),
  );
  const answered = await operation.handle({
    services,
    principal,
    params: request.params as Record<string, string>,
    query: operation.query === undefined ? undefined : parseInput(operation.query, request.query),
    // Acts parse their input themselves, so that a denied or malformed try is audited too.
    body: request.body ?? {},
    headers,
    idempotencyKey: headers["idempotency-key"] ?? null,
  });
  reply.code(answered.status).header("cache-control", "no-store");
  reply.headers(answered.headers ?? {}).type(answered.mediaType ?? "application/json; charset=utf-8");
  return reply.send(answered.mediaType === undefined ? JSON.stringify(answered.body) : answered.body);
}
