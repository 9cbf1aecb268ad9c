import httpProxy from "@fastify/http-proxy";
import { AppError, type Logger } from "@tidemark/kit";
import type { FastifyInstance } from "fastify";
import { problemMediaType, toProblem } from "../errors/problem.ts";

/** Hands every path the api does not know to the dashboard, so that the product has one port. */
export async function addDashboardProxy(app: FastifyInstance, webUrl: string | null, logger: Logger): Promise<void> {
  const ownPaths = ["/api/*", "/graphql/*"];
  for (const url of ownPaths) app.all(url, unknownPath);
  app.setNotFoundHandler(unknownPath);
  if (webUrl === null) return;
  await app.register(httpProxy, {
    upstream: webUrl,
    prefix: "/",
    websocket: false,
    replyOptions: {
      rewriteRequestHeaders: (request, headers) => ({
        ...headers,
        "x-forwarded-host": request.host,
        "x-forwarded-proto": request.protocol,
        "x-forwarded-for": request.ip,
      }),
      onError: (reply, { error }) => {
        logger.warn({ err: error }, "the dashboard did not answer");
        const problem = toProblem(
          new AppError("api-unreachable", {
            message: "the dashboard does not answer yet",
            hint: "it may still be starting; /readyz tells. The API and the command work without it",
          }),
        );
        reply.code(problem.status).type(problemMediaType).send(JSON.stringify(problem));
      },
    },
  });
}

async function unknownPath(request: { method: string; url: string }): Promise<never> {
  const [path] = request.url.split("?");
  throw new AppError("not-found", { message: `there is no ${request.method} ${path}` });
}
