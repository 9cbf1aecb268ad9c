import type { Asker } from "../server/asker.ts";
import { excessRights } from "./excess-rights.ts";
import { grantStatements } from "./grant-statements.ts";
import { type HeldRights, readHeldRights } from "./held-rights.ts";
import { type ActPrivilege, type PrivilegeReport, type PurposeScript, rolePurposes } from "./privilege-report.ts";
import { grantableActs, type Need, type PrivilegedAct, privilegedActs } from "./privileged-acts.ts";
import { purposeTitles, roleScript } from "./role-script.ts";
import { commentName } from "./sql-text.ts";

/**
 * Asks, per act, what PostgreSQL itself would check on this major, and says what to paste for what is missing. Needs
 * no privilege; nothing is tried. pg_hba.conf is not part of it: only a connection tells.
 */
export async function readPrivileges(asker: Asker): Promise<PrivilegeReport> {
  const held = await readHeldRights(asker);
  const acts = privilegedActs.map((act) => judgeAct(act, held));
  return {
    role: held.role,
    isSuperuser: held.isSuperuser,
    acts,
    excess: excessRights(held),
    scripts: rolePurposes.map((purpose) => judgePurpose(purpose, acts, held)),
  };
}

function judgeAct(act: PrivilegedAct, held: HeldRights): ActPrivilege {
  const known = { act: act.id, title: act.title };
  const unavailable = whyNotAvailable(act, held);
  if (unavailable !== null) return { ...known, state: "not-available", why: unavailable, remedySql: null };
  const missing = act.needs(held.major).filter((need) => !isHeld(need, held));
  if (missing.length === 0) return { ...known, state: "allowed", why: null, remedySql: null };
  const why = missing.map((need) => whyMissing(need, held)).join("; ");
  return { ...known, state: "missing", why, remedySql: remedyFor(missing, held) };
}

function whyNotAvailable(act: PrivilegedAct, held: HeldRights): string | null {
  if (act.untilMajor !== null && held.major > act.untilMajor) {
    return `PostgreSQL ${held.major} has no such thing: it went with ${act.untilMajor + 1}`;
  }
  if (act.primaryOnly && held.inRecovery) return "this server is a standby (or recovers); it is done on its primary";
  return null;
}

/** Superusers hold everything: the server's own functions answered so, attributes are for us to know. */
function isHeld(need: Need, held: HeldRights): boolean {
  if (held.isSuperuser) return true;
  switch (need.kind) {
    case "execute":
      return held.functions.has(need.signature);
    case "select":
      return held.views.has(need.view);
    case "member":
      return (need.ask === "USAGE" ? held.usageOf : held.memberOf).has(need.role);
    case "replication":
      return held.hasReplication;
    case "superuser":
      return false;
  }
}

function whyMissing(need: Need, held: HeldRights): string {
  switch (need.kind) {
    case "execute":
      return `the role lacks EXECUTE on ${need.signature} in this database`;
    case "select":
      return `the role lacks SELECT on ${need.view} in this database`;
    case "replication":
      return "the role lacks the attribute REPLICATION, which is never inherited";
    case "superuser":
      return `PostgreSQL ${held.major} lets only superusers do it (pg_checkpoint came with 15); everything else works without`;
    case "member":
      return held.memberOf.has(need.role)
        ? `the role is a member of ${need.role} but does not inherit its privileges, and PostgreSQL ${held.major} asks for those`
        : `the role is not a member of ${need.role}`;
  }
}

function remedyFor(missing: readonly Need[], held: HeldRights): string | null {
  const statements = grantStatements(missing, held);
  if (statements === null) return null;
  const isPerDatabase = missing.some((need) => need.kind === "execute" || need.kind === "select");
  const where = [
    ...(held.inRecovery ? ["on the primary"] : []),
    ...(isPerDatabase ? [`in the database ${commentName(held.database)}`] : []),
  ];
  return [...(where.length === 0 ? [] : [`-- ${where.join(", ")}`]), ...statements].join("\n");
}

function judgePurpose(
  purpose: PurposeScript["purpose"],
  acts: readonly ActPrivilege[],
  held: HeldRights,
): PurposeScript {
  const needed = new Set(grantableActs(purpose, held.major).map(({ id }) => id));
  return {
    purpose,
    title: purposeTitles[purpose],
    satisfied: acts.every(({ act, state }) => !needed.has(act) || state !== "missing"),
    sql: roleScript({ major: held.major, role: held.role, purpose, database: held.database }),
  };
}
