import { AppError } from "@tidemark/kit";
import { objectMissing } from "../object-errors.ts";
import { bareCause, type Failure, isAbort, networkFailure, remoteError } from "../remote/network-errors.ts";

/** What an S3 error says, whichever of the SDK's shapes it came in. */
export interface S3Answer {
  /** The error's code in the answer's body; empty where there was none (HEAD). */
  readonly code: string;
  readonly status: number | null;
  /** Where the store says the bucket lives. */
  readonly region: string | null;
}

export function s3Answer(error: unknown): S3Answer {
  if (typeof error !== "object" || error === null) return { code: "", status: null, region: null };
  const fields = error as {
    readonly name?: unknown;
    readonly Code?: unknown;
    readonly Region?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  };
  const named = typeof fields.Code === "string" ? fields.Code : typeof fields.name === "string" ? fields.name : "";
  const region = fields.$response?.headers?.["x-amz-bucket-region"] ?? fields.Region;
  return {
    code: bodiless.has(named) ? "" : named,
    status: fields.$metadata?.httpStatusCode ?? null,
    region: typeof region === "string" ? region : null,
  };
}

/** Names the SDK makes up when the answer had no body to read one from. */
const bodiless: ReadonlySet<string> = new Set(["Unknown", "UnknownError", "NotFound", "Error", "400", "403", "404"]);

/** Whether a conditional write was refused because something is there. */
export function isConflict(error: unknown): boolean {
  const { status, code } = s3Answer(error);
  return status === 412 || code === "PreconditionFailed" || isRacing(error);
}

/** Two conditional writes at once: the store decided for neither, or has not said for which. */
export function isRacing(error: unknown): boolean {
  const { status, code } = s3Answer(error);
  return code === "ConditionalRequestConflict" || (status === 409 && code === "OperationAborted");
}

/** Wraps what the SDK throws, once. `key` makes "no such key" an `object-missing`; without it that is a failure. */
export function s3Error(error: unknown, act: string, location: string, key?: string): AppError {
  if (error instanceof AppError) return error;
  if (isAbort(error)) {
    return new AppError("cancelled", { message: "the storage operation was cancelled", cause: bareCause(error) });
  }
  const answer = s3Answer(error);
  if (key !== undefined && (answer.code === "NoSuchKey" || (answer.status === 404 && answer.code === ""))) {
    return objectMissing(location, key, bareCause(error));
  }
  return remoteError(byCode(answer) ?? networkFailure(error) ?? byStatus(answer, error), act, location, error);
}

function byCode({ code, status, region }: S3Answer): Failure | null {
  if (status === 301 || status === 307 || code === "AuthorizationHeaderMalformed") {
    if (region !== null || code !== "AuthorizationHeaderMalformed") return wrongRegion(region);
  }
  return meanings[code] ?? null;
}

function wrongRegion(region: string | null): Failure {
  const where = region === null ? "another region or another endpoint" : `region ${region}`;
  return {
    code: "storage-region-wrong",
    why: `the bucket lives in ${where}`,
    hint: `nothing was changed; say ${region === null ? "region= or endpoint=" : `region=${region}`} in the repository's address`,
  };
}

function byStatus({ status, code }: S3Answer, error: unknown): Failure {
  const said = code === "" ? `status ${status ?? "unknown"}` : code;
  const detail = error instanceof Error && error.message !== "UnknownError" ? ` (${error.message.slice(0, 200)})` : "";
  const why = `the store answered ${said}${detail}`;
  if (status === 401 || status === 403) return { ...denied, why };
  if (status === 429 || status === 503) return { ...throttled, why };
  if (status === 507) return { ...full, why };
  return { code: "storage-failed", why, hint: "what was stored before is untouched; it is tried again for a while" };
}

const wrongCredentials = {
  code: "storage-credentials-wrong",
  hint: "nothing was changed; give the repository the access key and secret that belong together",
} as const;
const expired: Failure = {
  code: "storage-credentials-expired",
  why: "the session token has expired",
  hint: "what was stored before is untouched; give new credentials, or use a profile or the chain that renews them",
};
const denied: Failure = {
  code: "storage-denied",
  why: "these credentials may not do that",
  hint: "nothing was changed; the rights that are needed are listed in docs/object-stores.md",
};
const throttled: Failure = {
  code: "storage-throttled",
  why: "the store asks for fewer requests",
  hint: "it is tried again more slowly; what was stored before is untouched",
};
const full: Failure = {
  code: "storage-full",
  why: "the quota is used up or no space is left",
  hint: "free space or raise the quota; what was stored before is untouched",
};
const skewed: Failure = {
  code: "storage-clock-skewed",
  why: "the clocks of this machine and of the store differ by too much",
  hint: "nothing was changed; set this machine's clock (NTP)",
};
const damagedOnTheWay: Failure = {
  code: "storage-failed",
  why: "the bytes that arrived there are not those that were sent",
  hint: "nothing was stored; it is tried again",
};

const meanings: Readonly<Record<string, Failure>> = {
  ExpiredToken: expired,
  ExpiredTokenException: expired,
  TokenRefreshRequired: expired,
  InvalidAccessKeyId: { ...wrongCredentials, why: "it does not know the access key" },
  SignatureDoesNotMatch: { ...wrongCredentials, why: "the secret does not belong to the access key" },
  InvalidToken: { ...wrongCredentials, why: "the session token is not valid" },
  AuthorizationHeaderMalformed: { ...wrongCredentials, why: "it cannot read the signature" },
  CredentialsProviderError: {
    code: "storage-credentials-missing",
    why: "no credentials were found where they were to be looked for",
    hint: "nothing was sent; give access key and secret, or check the profile or the instance's role",
  },
  AccessDenied: denied,
  AllAccessDisabled: denied,
  AccountProblem: denied,
  MethodNotAllowed: { ...denied, why: "the object or the bucket does not allow it (object lock, a delete marker)" },
  InvalidObjectState: {
    code: "storage-denied",
    why: "the object lies in an archive class and must be fetched from it first",
    hint: "restore it to a readable class, and keep lifecycle rules of that kind away from the repository",
  },
  NoSuchBucket: {
    code: "storage-bucket-missing",
    why: "there is no such bucket",
    hint: "make the bucket, or mend its name, the endpoint or the account in the address",
  },
  RequestTimeTooSkewed: skewed,
  RequestExpired: skewed,
  RequestInTheFuture: skewed,
  SlowDown: throttled,
  Throttling: throttled,
  ThrottlingException: throttled,
  TooManyRequests: throttled,
  RequestLimitExceeded: throttled,
  BandwidthLimitExceeded: throttled,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  BadDigest: damagedOnTheWay,
  InvalidDigest: damagedOnTheWay,
  XAmzContentSHA256Mismatch: damagedOnTheWay,
  IncompleteBody: damagedOnTheWay,
  RequestTimeout: {
    code: "storage-unreachable",
    why: "our bytes came too slowly for it",
    hint: "nothing was stored; check the network",
  },
  KeyTooLongError: { code: "bad-request", why: "the key is too long for it", hint: "use a shorter prefix" },
};
