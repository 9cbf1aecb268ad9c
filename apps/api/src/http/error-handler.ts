import { AppError, type Logger } from "@tidemark/kit";
import type { FastifyError, FastifyInstance } from "fastify";
import { maskError } from "../errors/mask-error.ts";
import { problemMediaType, toProblem } from "../errors/problem.ts";

/** Every error that leaves outside GraphQL is a problem document. */
export function addErrorHandler(app: FastifyInstance, logger: Logger): void {
  app.setErrorHandler((error, _request, reply) => {
    const problem = toProblem(maskError(ownError(error), logger));
    return reply.code(problem.status).type(problemMediaType).send(JSON.stringify(problem));
  });
}

/** Fastify's own refusals (a body that is no JSON, too large, of another type) are the caller's to mend. */
function ownError(error: unknown): unknown {
  if (error instanceof AppError) return error;
  const { statusCode, message } = error as Partial<FastifyError>;
  if (typeof statusCode === "number" && statusCode >= 400 && statusCode < 500) {
    return new AppError("bad-request", { message: message ?? "the request cannot be read", cause: error });
  }
  return error;
}
