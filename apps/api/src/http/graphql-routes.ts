import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { fastifyApolloHandler } from "@as-integrations/fastify";
import type { Logger } from "@tidemark/kit";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { GraphQLSchema } from "graphql";
import { maskGraphqlError, toGraphqlError } from "../errors/graphql-error.ts";
import { maskError } from "../errors/mask-error.ts";
import { createContext, type GraphqlContext } from "../graphql/context.ts";
import { checkOperation } from "../graphql/operation-rules.ts";
import type { Services } from "../services.ts";
import { principalOf } from "./identity.ts";

/** POST and GET /graphql. Call after `addIdentity`; give the result's `stop` to the app's onClose. */
export async function addGraphqlRoutes(
  scope: FastifyInstance,
  schema: GraphQLSchema,
  services: Services,
): Promise<void> {
  const apollo = new ApolloServer<GraphqlContext>({
    schema,
    // Only whoever is logged in gets past the rules below, so only they see the schema.
    introspection: true,
    csrfPrevention: true,
    includeStacktraceInErrorResponses: false,
    persistedQueries: false,
    stopOnTerminationSignals: false,
    parseOptions: { maxTokens: 10_000 },
    logger: quietLogger(services.logger),
    plugins: [
      ApolloServerPluginLandingPageDisabled(),
      // Without this an APOLLO_KEY in the environment would make it talk to another host.
      ApolloServerPluginUsageReportingDisabled(),
      operationRules(schema, services.logger),
    ],
    formatError: (formatted, error) => ({ ...formatted, ...publicPart(error, services.logger) }),
  });
  await apollo.start();
  scope.addHook("onClose", () => apollo.stop());
  const handler = fastifyApolloHandler(apollo, {
    context: async (request, reply) => contextOf(services, request, reply),
  });
  scope.route({ method: ["GET", "POST"], url: "/graphql", handler });
}

/** The context of one operation. Throws what `principalOf` throws, in GraphQL's shape. */
export function contextOf(services: Services, request: FastifyRequest, reply: FastifyReply): GraphqlContext {
  try {
    return createContext(services, principalOf(request), hangUpSignal(reply));
  } catch (error) {
    throw toGraphqlError(maskError(error, services.logger));
  }
}

/** Aborts when the answer is done or its reader has gone. */
function hangUpSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once("close", () => controller.abort());
  return controller.signal;
}

function operationRules(schema: GraphQLSchema, logger: Logger): ApolloServerPlugin<GraphqlContext> {
  return {
    requestDidStart: async () => ({
      didResolveOperation: async ({ document, operationName, request, contextValue }) => {
        try {
          checkOperation({
            schema,
            document,
            operationName,
            variables: request.variables ?? {},
            context: contextValue,
          });
        } catch (error) {
          throw maskGraphqlError(error, logger);
        }
      },
    }),
  };
}

function publicPart(error: unknown, logger: Logger) {
  const { message, extensions } = maskGraphqlError(error, logger);
  const { http: _http, ...shown } = extensions;
  return { message, extensions: shown };
}

/** Apollo logs at start-up what we know; its warnings are ours. */
function quietLogger(logger: Logger) {
  return {
    debug: (message: unknown) => logger.debug(String(message)),
    info: (message: unknown) => logger.debug(String(message)),
    warn: (message: unknown) => logger.warn(String(message)),
    error: (message: unknown) => logger.error(String(message)),
  };
}
