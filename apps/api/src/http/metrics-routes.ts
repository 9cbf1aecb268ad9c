import type { FastifyInstance } from "fastify";
import type { Services } from "../services.ts";
import { metricsText } from "../use-cases/metrics.ts";
import { requireLogin } from "./identity.ts";

/** /metrics, for Prometheus with a read-only token: names of servers and what would be lost are not for everybody. Call after `addIdentity`. */
export function addMetricsRoutes(scope: FastifyInstance, services: Services): void {
  scope.get("/metrics", async (request, reply) => {
    requireLogin(request);
    const { type, text } = await metricsText(services);
    return await reply.header("cache-control", "no-store").type(type).send(text);
  });
}
