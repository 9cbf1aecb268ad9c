import { AppError, type Blame, type ErrorCode } from "@tidemark/kit";

/** What a code answers with where its blame alone would say the wrong thing. */
const statusOfCode: Partial<Record<ErrorCode, number>> = {
  "not-authenticated": 401,
  "token-expired": 401,
  "not-allowed": 403,
  "not-found": 404,
  "name-taken": 409,
  "idempotency-key-reused": 409,
  "request-in-flight": 409,
  "plan-stale": 409,
  "run-already-final": 409,
  "server-busy": 409,
  "server-offline": 409,
  "backup-held": 409,
  "backup-protected": 409,
  "version-conflict": 412,
  "rate-limited": 429,
};

/** Whose turn it is decides the rest: the request was wrong, something behind us failed, or we did. */
const statusOfBlame: Record<Blame, number> = { user: 400, server: 502, repository: 502, host: 503, tidemark: 500 };

/** The HTTP status of an error, the same for GraphQL, its stream and REST. */
export function errorStatus(error: AppError): number {
  return statusOfCode[error.code] ?? statusOfBlame[error.blame];
}

/** Whether a caller may read the message: all but our own bugs, which are logged under an id instead. */
export function isPublicError(error: unknown): error is AppError {
  return error instanceof AppError && error.blame !== "tidemark";
}
