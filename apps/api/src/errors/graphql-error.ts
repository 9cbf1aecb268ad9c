import { AppError, type Logger, maskSecrets } from "@tidemark/kit";
import { GraphQLError } from "graphql";
import { errorStatus } from "./error-status.ts";
import { maskError } from "./mask-error.ts";

/** An error of ours as GraphQL says it: `extensions` has the stable code, the hint and whose turn it is. */
export function toGraphqlError(error: AppError, at?: GraphQLError): GraphQLError {
  return new GraphQLError(maskSecrets(error.message), {
    nodes: at?.nodes ?? null,
    path: at?.path ?? null,
    originalError: error,
    extensions: {
      code: error.code,
      hint: error.hint ?? null,
      blame: error.blame,
      http: { status: errorStatus(error) },
    },
  });
}

/**
 * Every error that leaves through GraphQL passes here. One of the language itself (syntax, validation, variables) is
 * `bad-request`; one of ours keeps its code; anything else is masked.
 */
export function maskGraphqlError(error: unknown, logger: Logger): GraphQLError {
  if (error instanceof AppError) return toGraphqlError(maskError(error, logger));
  if (!(error instanceof GraphQLError)) return toGraphqlError(maskError(error, logger));
  const original = error.originalError;
  if (original instanceof GraphQLError) return maskGraphqlError(original, logger);
  if (original !== undefined && original !== null) return toGraphqlError(maskError(original, logger), error);
  // Its message may quote what was sent, and what was sent may be a connection string in the wrong place.
  return new GraphQLError(maskSecrets(error.message), {
    nodes: error.nodes ?? null,
    source: error.source ?? null,
    positions: error.positions ?? null,
    path: error.path ?? null,
    extensions: { code: "bad-request", hint: null, blame: "user" },
  });
}
