import { AppError } from "@tidemark/kit";
import { objectMissing } from "../object-errors.ts";
import { bareCause, type Failure, isAbort, networkFailure, remoteError } from "../remote/network-errors.ts";

interface AzureAnswer {
  readonly code: string;
  readonly status: number | null;
}

export function azureAnswer(error: unknown): AzureAnswer {
  if (typeof error !== "object" || error === null) return { code: "", status: null };
  const fields = error as {
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly details?: { readonly errorCode?: unknown };
  };
  const code = fields.details?.errorCode ?? fields.code;
  return {
    code: typeof code === "string" ? code : "",
    status: typeof fields.statusCode === "number" ? fields.statusCode : null,
  };
}

/** Whether a conditional write was refused because something is there. */
export function isAzureConflict(error: unknown): boolean {
  const { code, status } = azureAnswer(error);
  return code === "BlobAlreadyExists" || code === "ConditionNotMet" || status === 412;
}

/** Wraps what the SDK throws, once. `key` makes "no such blob" an `object-missing`; without it that is a failure. */
export function azureError(error: unknown, act: string, location: string, key?: string): AppError {
  if (error instanceof AppError) return error;
  if (isAbort(error)) {
    return new AppError("cancelled", { message: "the storage operation was cancelled", cause: bareCause(error) });
  }
  const answer = azureAnswer(error);
  if (key !== undefined && answer.code === "BlobNotFound") return objectMissing(location, key, bareCause(error));
  // The SDK's messages quote the whole request, and a SAS stands in its URL: only its name and code go on.
  const cause = new Error(`${answer.code} ${answer.status ?? ""}`);
  const failure = ofAuthentication(error, answer) ?? meanings[answer.code] ?? networkFailure(error) ?? byStatus(answer);
  return remoteError({ ...failure, why: withoutQuery(failure.why) }, act, location, cause);
}

function withoutQuery(text: string): string {
  return text.replaceAll(/\?\S*/g, "?…");
}

/** One code for a wrong key, an expired SAS and a skewed clock; the detail of the answer tells them apart. */
function ofAuthentication(error: unknown, { code }: AzureAnswer): Failure | null {
  if (code !== "AuthenticationFailed") return null;
  const fields = error as {
    readonly message?: string;
    readonly details?: { readonly authenticationErrorDetail?: string; readonly AuthenticationErrorDetail?: string };
  };
  const detail = `${fields.details?.authenticationErrorDetail ?? fields.details?.AuthenticationErrorDetail ?? ""} ${fields.message ?? ""}`;
  if (/not valid in the specified time frame|signature not valid.*expiry|expired/i.test(detail)) return expired;
  if (/request date header|date header.*(old|not specified)|too old/i.test(detail)) return skewed;
  return wrongKey;
}

function byStatus({ code, status }: AzureAnswer): Failure {
  const why = `the store answered ${code === "" ? `status ${status ?? "unknown"}` : code}`;
  if (status === 401 || status === 403) return { ...denied, why };
  if (status === 429 || status === 503) return { ...throttled, why };
  return { code: "storage-failed", why, hint: "what was stored before is untouched; it is tried again for a while" };
}

const expired: Failure = {
  code: "storage-credentials-expired",
  why: "the shared access signature is no longer, or not yet, valid",
  hint: "what was stored before is untouched; give a new one",
};
const skewed: Failure = {
  code: "storage-clock-skewed",
  why: "the clocks of this machine and of the store differ by too much",
  hint: "nothing was changed; set this machine's clock (NTP)",
};
const wrongKey: Failure = {
  code: "storage-credentials-wrong",
  why: "the account key or the signature is not right",
  hint: "nothing was changed; give the key of this account",
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

const meanings: Readonly<Record<string, Failure>> = {
  AuthorizationFailure: { ...denied, why: "these credentials, or this network, may not use it" },
  AuthorizationPermissionMismatch: denied,
  AuthorizationProtocolMismatch: { ...denied, why: "the signature allows https only" },
  AuthorizationSourceIPMismatch: { ...denied, why: "the signature does not allow this machine's address" },
  InsufficientAccountPermissions: denied,
  AccountIsDisabled: { ...denied, why: "the account is disabled" },
  BlobImmutableDueToPolicy: { ...denied, why: "the blob is locked by a policy for a time" },
  BlobArchived: { ...denied, why: "the blob lies in the archive tier", hint: "rehydrate it to a readable tier" },
  ContainerNotFound: {
    code: "storage-bucket-missing",
    why: "there is no such container",
    hint: "make the container, or mend its name or the account in the address",
  },
  ContainerBeingDeleted: {
    code: "storage-bucket-missing",
    why: "the container is being deleted",
    hint: "choose another one, or make it anew when it is gone",
  },
  ServerBusy: throttled,
  OperationTimedOut: { code: "storage-unreachable", why: "it did not answer in time", hint: "check the store" },
  AccountQuotaExceeded: {
    code: "storage-full",
    why: "the account's quota is used up",
    hint: "raise the quota or free space; what was stored before is untouched",
  },
  Md5Mismatch: {
    code: "storage-failed",
    why: "the bytes that arrived there are not those that were sent",
    hint: "nothing was stored; it is tried again",
  },
};
