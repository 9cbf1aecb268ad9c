import { AppError } from "@tidemark/kit";
import type { Asker } from "../server/asker.ts";
import { activityChecks } from "./activity-checks.ts";
import { archiveChecks } from "./archive-checks.ts";
import {
  type Check,
  type CheckContext,
  type CheckResult,
  notApplicable,
  notAsked,
  type Severity,
  type Verdict,
} from "./check.ts";
import { connectionChecks } from "./connection-checks.ts";
import { durabilityChecks } from "./durability-checks.ts";
import { type Evidence, EvidenceReader } from "./evidence.ts";
import { identityChecks } from "./identity-checks.ts";
import { layoutChecks } from "./layout-checks.ts";
import { libraryChecks } from "./library-checks.ts";
import { replicationChecks } from "./replication-checks.ts";
import { roleChecks } from "./role-checks.ts";
import { slotChecks } from "./slot-checks.ts";
import { versionChecks } from "./version-checks.ts";
import { walChecks } from "./wal-checks.ts";

/** A check as lists and pages name it. `severity` is the one its finding usually has; a result may carry another. */
export interface CheckDescription {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly read: string;
  readonly required: string;
  readonly why: string;
}

const checks: readonly Check[] = [
  ...connectionChecks,
  ...identityChecks,
  ...versionChecks,
  ...roleChecks,
  ...walChecks,
  ...slotChecks,
  ...archiveChecks,
  ...replicationChecks,
  ...durabilityChecks,
  ...layoutChecks,
  ...libraryChecks,
  ...activityChecks,
];

/** Every readiness check, in the order results come in. Ids are stable: findings are stored under them. */
export const serverChecks: readonly CheckDescription[] = checks.map(({ id, title, severity, read, required, why }) => ({
  id,
  title,
  severity,
  read,
  required,
  why,
}));

/**
 * Looks at the server and says of each check asked for (all unless named) whether it is well. Reads only what these
 * checks read, each part once; changes nothing at the server.
 *
 * @throws AppError `bad-request` for an id that does not exist; `connection-lost`, `cancelled` when the session ends. What
 * the server refuses to tell makes a check `not-asked`, never `ok`.
 */
export async function runServerChecks(
  session: Asker,
  context: CheckContext,
  only?: readonly string[],
): Promise<readonly CheckResult[]> {
  const wanted = only === undefined ? checks : checks.filter(({ id }) => only.includes(id));
  const unknown = only?.filter((id) => !checks.some((check) => check.id === id)) ?? [];
  if (unknown.length > 0) {
    throw new AppError("bad-request", {
      message: `there is no check ${unknown.map((id) => `"${id}"`).join(", ")}`,
      hint: `the checks are ${checks.map(({ id }) => id).join(", ")}`,
    });
  }
  const reader = await EvidenceReader.open(session, context);
  const results: CheckResult[] = [];
  for (const check of wanted) results.push(toResult(check, await judge(check, reader, context)));
  return results;
}

async function judge(check: Check, reader: EvidenceReader, context: CheckContext): Promise<Verdict> {
  const { server } = reader;
  const { from = 0, until = Number.POSITIVE_INFINITY } = check.majors ?? {};
  if (server.major < from) return notApplicable(`PostgreSQL has it from ${from} on`);
  if (server.major > until) return notApplicable(`PostgreSQL had it until ${until}`);
  if (check.only !== undefined && (check.only.on === "standby") !== server.inRecovery)
    return notApplicable(check.only.elsewhere);
  const evidence: Record<string, unknown> = { server };
  for (const part of check.parts) {
    const reading = await reader.read(part);
    if (!reading.readable) return notAsked(reading.reason, reading.remedy);
    evidence[part] = reading.value;
  }
  // Holds the parts the check names, which are all its judge may look at (`check` ties the two).
  return check.judge(evidence as unknown as Evidence, context);
}

function toResult(check: Check, verdict: Verdict): CheckResult {
  const { id, severity, read, required, why } = check;
  const title = verdict.state === "found" ? check.problem : check.title;
  const applies = verdict.state !== "not-asked" || verdict.applies;
  const base = { id, title, read, state: verdict.state, found: verdict.found, applies };
  if (verdict.state !== "found") {
    return { ...base, severity, required, why, remedy: verdict.state === "ok" ? null : verdict.remedy };
  }
  return {
    ...base,
    severity: verdict.severity ?? severity,
    required: verdict.required ?? required,
    why: verdict.why ?? why,
    remedy: verdict.remedy,
  };
}
