import Fastify, { type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { SessionAuth } from "./auth/session-auth.ts";
import { buildSchema } from "./graphql/schema.ts";
import { addAuthRoutes } from "./http/auth-routes.ts";
import { addDashboardProxy } from "./http/dashboard-proxy.ts";
import { addErrorHandler } from "./http/error-handler.ts";
import { addGraphiqlRoutes } from "./http/graphiql-routes.ts";
import { addGraphqlRoutes } from "./http/graphql-routes.ts";
import { addHealthRoutes } from "./http/health-routes.ts";
import { addIdentity } from "./http/identity.ts";
import { addMetricsRoutes } from "./http/metrics-routes.ts";
import { addSecurityHeaders } from "./http/security-headers.ts";
import { addStreamRoutes } from "./http/stream-routes.ts";
import { addRestRoutes } from "./rest/routes.ts";
import type { Services } from "./services.ts";

export interface ServerOptions {
  readonly services: Services;
  readonly sessions: SessionAuth;
  readonly webUrl: string | null;
  readonly publicUrl: URL | null;
  readonly trustProxy: boolean | string;
}

/** The whole api, not yet listening. `close()` ends open streams and waits for requests that are being answered. */
export async function buildServer(options: ServerOptions): Promise<FastifyInstance> {
  const { services, sessions, publicUrl } = options;
  const { metadata, clock, logger } = services;
  const app = Fastify({
    loggerInstance: logger as FastifyBaseLogger,
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    trustProxy: options.trustProxy,
    bodyLimit: 1_048_576,
    forceCloseConnections: "idle",
    routerOptions: { ignoreTrailingSlash: true },
  });
  addSecurityHeaders(app, publicUrl);
  addErrorHandler(app, logger);
  addHealthRoutes(app, services, options.webUrl);
  await app.register(async (scope) => {
    addIdentity(scope, { metadata, sessions, clock, logger }, publicUrl);
    addAuthRoutes(scope, { metadata, sessions, clock, publicUrl });
    const schema = buildSchema();
    await addGraphqlRoutes(scope, schema, services);
    addStreamRoutes(scope, schema, services);
    addRestRoutes(scope, services);
    addMetricsRoutes(scope, services);
    await addGraphiqlRoutes(scope);
  });
  await addDashboardProxy(app, options.webUrl, logger);
  return app;
}
