import type { ServerCheckResult } from "@tidemark/jobs";
import { type ErrorDescription, maskSecrets } from "@tidemark/kit";
import type { SeenFinding, Server } from "@tidemark/metadata";
import type { CheckResult, Remedy } from "@tidemark/postgres";

/** The check that comes before all others: whether the server can be asked at all. */
export const connectionCheckId = "connection";

export function checkResultOf({ applies: _applies, ...check }: CheckResult): ServerCheckResult {
  // Settings are quoted in it, and a command may hold a password.
  return { ...check, found: maskSecrets(check.found), remedy: check.remedy === null ? null : { ...check.remedy } };
}

/** Why a server could not be asked, and what to paste where. */
export interface ConnectionTrouble {
  readonly error: ErrorDescription;
  readonly remedy: Remedy | null;
}

/** How the connection stands, in the form of any other check. */
export function connectionCheck(trouble: ConnectionTrouble | null): ServerCheckResult {
  return {
    id: connectionCheckId,
    title: trouble === null ? "The server can be reached and lets us in" : "The server cannot be reached or used",
    state: trouble === null ? "ok" : "found",
    severity: "blocks-backup",
    read: "a login with the stored connection",
    required: "the login succeeds",
    found: trouble === null ? "we are logged in" : trouble.error.message,
    why: "nothing can be read or backed up without it",
    remedy: trouble === null ? null : remedyOf(trouble),
  };
}

/** A hint stands in for a remedy nobody could work out. */
function remedyOf({ error, remedy }: ConnectionTrouble): Remedy | null {
  if (remedy !== null) return remedy;
  return error.hint === null ? null : { advice: error.hint };
}

/** What a check found, as a finding of its server. */
export function findingOf(server: Pick<Server, "name">, check: ServerCheckResult): SeenFinding {
  return {
    checkId: check.id,
    severity: check.severity,
    // Lists hold the findings of many servers.
    title: `${server.name}: ${check.title}`,
    found: check.found,
    read: check.read,
    required: check.required,
    why: check.why,
    remedy: check.remedy,
    recheckable: true,
  };
}
