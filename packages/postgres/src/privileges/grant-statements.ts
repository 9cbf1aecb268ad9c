import type { Need } from "./privileged-acts.ts";
import { sqlName } from "./sql-text.ts";

export interface Grantee {
  readonly role: string;
  readonly major: number;
  /** rolinherit; null when the role may not exist yet. */
  readonly inherits: boolean | null;
}

/** The statements that meet the needs, each once, in the order of the needs; null when no statement does. */
export function grantStatements(needs: readonly Need[], grantee: Grantee): string[] | null {
  const statements = new Set<string>();
  for (const need of needs) {
    if (need.kind === "superuser") return null;
    for (const statement of grant(need, grantee)) statements.add(statement);
  }
  return [...statements];
}

function grant(need: Exclude<Need, { kind: "superuser" }>, { role, major, inherits }: Grantee): string[] {
  const to = sqlName(role);
  switch (need.kind) {
    case "execute":
      return [`GRANT EXECUTE ON FUNCTION pg_catalog.${need.signature} TO ${to};`];
    case "select":
      return [`GRANT SELECT ON pg_catalog.${need.view} TO ${to};`];
    case "replication":
      return [`ALTER ROLE ${to} REPLICATION;`];
    case "member": {
      // From 16 on each grant says for itself whether it is inherited; before, the member's attribute did.
      if (major >= 16) return [`GRANT ${need.role} TO ${to} WITH INHERIT TRUE;`];
      const mustInherit = need.ask === "USAGE" && inherits !== true;
      return [`GRANT ${need.role} TO ${to};`, ...(mustInherit ? [`ALTER ROLE ${to} INHERIT;`] : [])];
    }
  }
}
