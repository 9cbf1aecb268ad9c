import type { HeldRights } from "./held-rights.ts";
import type { ExcessRight } from "./privilege-report.ts";
import { excessPredefinedRoles } from "./privileged-acts.ts";
import { roleScript } from "./role-script.ts";
import { sqlName } from "./sql-text.ts";

/** Rights nothing here needs: who steals the stored credentials gets no more than a backup. */
export function excessRights(held: HeldRights): ExcessRight[] {
  const role = sqlName(held.role);
  const attributes: readonly [isHeld: boolean, name: string, why: string][] = [
    [held.mayCreateRoles, "CREATEROLE", "it may create roles and give them rights"],
    [held.mayCreateDatabases, "CREATEDB", "it may create databases"],
    [held.bypassesRowSecurity, "BYPASSRLS", "it sees rows that row security hides; a backup reads files, not rows"],
  ];
  const excess: ExcessRight[] = held.isSuperuser ? [superuser(held)] : [];
  for (const [isHeld, name, why] of attributes) {
    // What the bootstrap superuser has besides goes with the login, not with ALTER ROLE.
    if (isHeld && !held.isBootstrap) excess.push({ what: name, why, remedySql: `ALTER ROLE ${role} NO${name};` });
  }
  for (const { predefined, through, grantor } of held.excessMemberships) {
    const by = held.major >= 16 && grantor !== null ? ` GRANTED BY ${sqlName(grantor)}` : "";
    const way = through === predefined ? "" : `, through "${through}"`;
    excess.push({
      what: predefined,
      why: `${excessPredefinedRoles[predefined] ?? "nothing here needs it"}${way}`,
      remedySql: `REVOKE ${sqlName(through)} FROM ${role}${by};`,
    });
  }
  return held.inRecovery
    ? excess.map((right) => ({ ...right, remedySql: `-- on the primary\n${right.remedySql}` }))
    : excess;
}

/** Takes it back and leaves what Tidemark needs. The role initdb made cannot lose it: another role is made then. */
function superuser(held: HeldRights): ExcessRight {
  const { major, database } = held;
  if (held.isBootstrap) {
    return {
      what: "SUPERUSER",
      why: `"${held.role}" may do everything and, as the role initdb made, must; connect as a role of Tidemark's own`,
      remedySql: roleScript({ major, role: "tidemark", purpose: "operate", database }),
    };
  }
  const kept = roleScript({ major, role: held.role, purpose: "operate", database });
  return {
    what: "SUPERUSER",
    why: "it may do everything; nothing here needs more than the script of the purpose gives",
    remedySql: `${kept}\nALTER ROLE ${sqlName(held.role)} NOSUPERUSER;`,
  };
}
