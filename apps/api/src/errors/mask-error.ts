import { randomUUID } from "node:crypto";
import { AppError, type Logger } from "@tidemark/kit";
import { isPublicError } from "./error-status.ts";

/** The error as callers may see it. What is not ours is logged under an id, and only that id is told. */
export function maskError(error: unknown, logger: Logger): AppError {
  if (isPublicError(error)) return error;
  const errorId = randomUUID();
  logger.error({ err: error, errorId }, "an unexpected error was answered with its id alone");
  return new AppError("internal", {
    message: `something went wrong on our side (error ${errorId})`,
    hint: "the log of the api has the details under this id",
    context: { errorId },
  });
}
