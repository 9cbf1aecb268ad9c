import { grantStatements } from "./grant-statements.ts";
import type { RolePurpose } from "./privilege-report.ts";
import { grantableActs, privilegedActs, purposeActs } from "./privileged-acts.ts";
import { assertName, commentName, hbaName, sqlLiteral, sqlName } from "./sql-text.ts";

export interface RoleScriptRequest {
  /** 13 … 18. */
  readonly major: number;
  readonly role: string;
  readonly purpose: RolePurpose;
  /** Where Tidemark logs in: rights to functions are per database. */
  readonly database: string;
}

export const purposeTitles: Readonly<Record<RolePurpose, string>> = {
  backup: "Backups only",
  "backup-and-wal": "Backups and WAL",
  operate: "Backups, WAL, low-level backups, restore points, checkpoints and WAL switches",
};

/**
 * The smallest role for a purpose on a major, as a script for a superuser in the given database. It can be run again,
 * also for a role that exists; it gives and never takes.
 *
 * @throws AppError `bad-request` for a name PostgreSQL would cut.
 */
export function roleScript(request: RoleScriptRequest): string {
  const { major, role, purpose, database } = request;
  assertName(role, "a role's name");
  assertName(database, "a database's name");
  const needs = grantableActs(purpose, major).flatMap((act) => act.needs(major));
  const grants = grantStatements(needs, { role, major, inherits: null }) ?? [];
  return [
    `-- PostgreSQL ${major}: for ${lowerFirst(purposeTitles[purpose])}. As a superuser, in the database ${commentName(database)}, on the primary.`,
    ...createRole(role),
    `ALTER ROLE ${sqlName(role)} LOGIN;`,
    ...grants,
    ...notes(request),
  ].join("\n");
}

/** CREATE ROLE has no IF NOT EXISTS. */
function createRole(role: string): string[] {
  const quote = dollarQuote(role);
  return [
    `DO ${quote}`,
    "BEGIN",
    `  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${sqlLiteral(role)}) THEN`,
    `    CREATE ROLE ${sqlName(role)};`,
    "  END IF;",
    "END",
    `${quote};`,
  ];
}

/** A dollar quote that the name cannot end. */
function dollarQuote(text: string): string {
  for (let tag = "do"; ; tag += "o") if (!text.includes(`$${tag}$`)) return `$${tag}$`;
}

function notes({ major, role, purpose, database }: RoleScriptRequest): string[] {
  const ungrantable = privilegedActs.filter(
    (act) => purposeActs[purpose].includes(act.id) && act.needs(major).some((need) => need.kind === "superuser"),
  );
  const user = hbaName(role);
  return [
    ...ungrantable.map(
      (act) => `-- PostgreSQL ${major} lets only superusers ${act.title}; everything else works without.`,
    ),
    `-- Give it a password without showing it to anybody: \\password ${commentName(role)} in psql.`,
    "-- pg_hba.conf, above the other lines; then SELECT pg_reload_conf();",
    `--   host  ${hbaName(database)}  ${user}  <address of Tidemark's worker>/32  scram-sha-256`,
    `--   host  replication  ${user}  <address of Tidemark's worker>/32  scram-sha-256`,
  ];
}

/** WAL stays WAL. */
function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
