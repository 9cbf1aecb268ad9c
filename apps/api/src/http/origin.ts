import { AppError } from "@tidemark/kit";

/** What of a request says where it comes from. */
export interface RequestOrigin {
  readonly method: string;
  /** `scheme://host[:port]` the caller asked for, through trusted proxies. */
  readonly ownOrigin: string;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
  /** Whether a cookie speaks for the caller; a token must be sent on purpose and cannot be borrowed. */
  readonly hasCookie: boolean;
}

/**
 * Refuses what another site's page makes a browser send. Browsers name the origin on every request that may change
 * something (Fetch standard, "append a request Origin header"), so a foreign name is a foreign page; programs name none.
 * A page of ours is any whose origin is the one the request was sent to, or the public address. Throws `not-allowed`.
 */
export function refuseForeignOrigin(request: RequestOrigin, publicUrl: URL | null): void {
  if (safeMethods.has(request.method)) return;
  const foreignSite = request.hasCookie && foreignSites.has(request.secFetchSite ?? "none");
  const known = [request.ownOrigin, publicUrl?.origin];
  const foreignOrigin = request.origin !== undefined && !known.includes(request.origin);
  if (!foreignSite && !foreignOrigin) return;
  throw new AppError("not-allowed", {
    message: `requests from pages of ${request.origin ?? "another site"} are refused`,
    hint: "open Tidemark by its own address; behind a proxy set PUBLIC_URL or TRUST_PROXY",
  });
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);
const foreignSites: ReadonlySet<string> = new Set(["cross-site", "same-site"]);
