import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import { AppError } from "@tidemark/kit";
import type { FastifyInstance } from "fastify";
import { requireLogin } from "./identity.ts";

/** Where `npm run generate` puts the bundle. */
export const graphiqlFolder = join(import.meta.dirname, "..", "..", "generated", "graphiql");

/** /graphiql: the GraphQL explorer, from npm, served by us, for whoever is logged in. */
export async function addGraphiqlRoutes(scope: FastifyInstance): Promise<void> {
  await scope.register(async (inner) => {
    inner.addHook("preHandler", async (request) => {
      requireLogin(request);
    });
    if (!existsSync(join(graphiqlFolder, "index.html"))) {
      inner.get("/graphiql", async () => {
        throw new AppError("not-found", {
          message: "the GraphQL explorer is not built",
          hint: "run `npm run generate`; /graphql itself works",
        });
      });
      return;
    }
    await inner.register(fastifyStatic, { root: graphiqlFolder, prefix: "/graphiql/", decorateReply: true });
    inner.get("/graphiql", async (_request, reply) => reply.sendFile("index.html"));
  });
}
