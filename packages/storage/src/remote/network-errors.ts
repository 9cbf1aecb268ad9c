import { AppError, type ErrorCode, systemErrorCode } from "@tidemark/kit";

export interface Failure {
  readonly code: ErrorCode;
  readonly why: string;
  readonly hint: string;
}

/**
 * What went wrong on the way to a store, before it could answer. Null: it was nothing of the network.
 *
 * Both SDKs wrap the system's error in their own, so causes are looked through too.
 */
export function networkFailure(error: unknown): Failure | null {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const found = ofOne(at);
    if (found !== null) return found;
    // Happy eyeballs: one error for each address that was tried.
    if (at instanceof AggregateError && at.errors.length > 0) return networkFailure(at.errors[0]);
  }
  return null;
}

function ofOne(error: Error): Failure | null {
  const name = systemErrorCode(error) ?? "";
  if (name === "ENOTFOUND" || name === "EAI_AGAIN" || name === "EAI_NODATA") {
    return {
      code: "storage-host-unknown",
      why: "the name of its host cannot be resolved",
      hint: "nothing was changed; check the endpoint in the repository's address, and DNS",
    };
  }
  if (name.startsWith("CERT_") || name.startsWith("ERR_TLS") || name.startsWith("ERR_SSL") || tlsNames.has(name)) {
    return {
      code: "storage-tls-failed",
      why: `no trusted TLS connection could be made (${error.message.split("\n")[0]})`,
      hint: "nothing was sent; name the store's certificate authority with ca-file= in the address, and check http or https",
    };
  }
  if (unreachable[name] !== undefined || error.name === "TimeoutError" || name === "TimeoutError") {
    return {
      code: "storage-unreachable",
      why: unreachable[name] ?? "it did not answer in time",
      hint: "what was stored before is untouched; check the network and the store",
    };
  }
  return null;
}

/** OpenSSL's verdicts as Node names them, and EPROTO: TLS spoken to a port that speaks none. */
const tlsNames: ReadonlySet<string> = new Set([
  "EPROTO",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "HOSTNAME_MISMATCH",
]);

const unreachable: Readonly<Record<string, string>> = {
  ECONNREFUSED: "its host refuses the connection",
  ECONNRESET: "the connection broke",
  EPIPE: "the connection broke",
  ETIMEDOUT: "it did not answer in time",
  ESOCKETTIMEDOUT: "it did not answer in time",
  EHOSTUNREACH: "its host cannot be reached",
  ENETUNREACH: "its network cannot be reached",
  EADDRNOTAVAIL: "no local address is free to connect from",
  ERR_STREAM_PREMATURE_CLOSE: "the connection broke",
  UND_ERR_SOCKET: "the connection broke",
  REQUEST_SEND_ERROR: "the request could not be sent",
};

/** A foreign error without its fields: those of an SDK can hold tokens and whole requests, and causes are logged. */
export function bareCause(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const bare = new Error(error.message);
  bare.name = error.name;
  if (error.stack !== undefined) bare.stack = error.stack;
  return bare;
}

/** Puts a failure into words: what was tried where, and why it did not work. */
export function remoteError(failure: Failure, act: string, location: string, error: unknown): AppError {
  return new AppError(failure.code, {
    message: `could not ${act} in ${location}: ${failure.why}`,
    hint: failure.hint,
    context: { location },
    cause: bareCause(error),
  });
}

/** Whether the caller stopped it. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}
