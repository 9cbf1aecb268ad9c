import { AppError, type ErrorCode } from "@tidemark/kit";

/**
 * Exit codes are part of the interface: 0 done, 1 the act failed, 2 wrong usage, 3 not reachable or not allowed, 4 not found.
 * `wal fetch` alone ends with 200 where it could not ask: PostgreSQL takes 125 and less for "there is none".
 */
export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3, notFound: 4, couldNotAsk: 200 } as const;

const refused: ReadonlySet<ErrorCode> = new Set([
  "api-unreachable",
  "not-authenticated",
  "not-allowed",
  "token-expired",
  "rate-limited",
]);
const usage: ReadonlySet<ErrorCode> = new Set(["bad-request", "setting-invalid", "cron-invalid", "policy-invalid"]);
const missing: ReadonlySet<ErrorCode> = new Set(["not-found", "repository-missing", "manifest-missing"]);

export function exitCodeFor(error: unknown): number {
  if (!(error instanceof AppError)) return exitCodes.failed;
  if (refused.has(error.code)) return exitCodes.refused;
  if (usage.has(error.code)) return exitCodes.usage;
  if (missing.has(error.code)) return exitCodes.notFound;
  return exitCodes.failed;
}
