import type { AppError } from "@tidemark/kit";
import type { ConnectionStep } from "./connection-report.ts";
import { type ConnectionSettings, isUnixSocket } from "./connection-settings.ts";
import type { Remedy } from "./remedy.ts";

export interface RemedyFacts {
  readonly step: ConnectionStep;
  readonly settings: ConnectionSettings;
  /** As the server sees this client, when it told. */
  readonly clientAddress: string | null;
  readonly maxWalSenders: number | null;
}

/** What to paste where so that the step succeeds next time; undefined when there is nothing exact to say. */
export function remedyFor(error: AppError, facts: RemedyFacts): Remedy | undefined {
  const { settings } = facts;
  const role = sqlIdentifier(settings.user);
  switch (error.code) {
    case "password-wrong":
      return {
        sql: `-- when the role does not exist yet:\n${createRole(role)}\n-- when it does:\nALTER ROLE ${role} LOGIN REPLICATION PASSWORD '…';`,
      };
    case "role-unknown":
      return {
        sql: `-- when the role does not exist yet:\n${createRole(role)}\n-- when it does:\nALTER ROLE ${role} LOGIN REPLICATION;`,
      };
    case "password-missing":
      return { advice: "add the role's password to the connection string" };
    case "hba-entry-missing":
    case "auth-method-unsupported":
      return { hba: hbaLines(error, facts), needs: "reload" };
    case "replication-not-permitted":
      return { sql: `ALTER ROLE ${role} REPLICATION;` };
    case "wal-level-minimal":
      return {
        sql: "ALTER SYSTEM SET wal_level = 'replica';\nALTER SYSTEM SET max_wal_senders = 10;",
        needs: "restart",
      };
    case "wal-senders-exhausted":
      return { sql: `ALTER SYSTEM SET max_wal_senders = ${(facts.maxWalSenders ?? 5) + 5};`, needs: "restart" };
    default:
      return settingsRemedy(error, settings);
  }
}

function settingsRemedy(error: AppError, settings: ConnectionSettings): Remedy | undefined {
  switch (error.code) {
    case "database-unknown":
      return { advice: `name an existing database instead of "${settings.database}", for example postgres` };
    case "tls-not-offered":
      return {
        sql: "-- with server.crt and server.key in the data directory:\nALTER SYSTEM SET ssl = on;\nSELECT pg_reload_conf();",
        advice: "or use sslmode=prefer when the network between us can be trusted",
      };
    case "tls-failed":
      return settings.sslMode.startsWith("verify-") || settings.sslRootCert !== null
        ? {
            advice:
              "give the authority that signed the server's certificate as sslrootcert, and the host by the name in it",
          }
        : undefined;
    case "host-unknown":
      return { advice: "correct the host's name, or give its IP address" };
    case "connection-refused":
    case "connection-timeout":
      return {
        sql: "-- when PostgreSQL listens on localhost only (then restart it):\nALTER SYSTEM SET listen_addresses = '*';",
        advice: "or correct host and port, and let this machine through the firewalls between",
      };
    default:
      return undefined;
  }
}

function createRole(role: string): string {
  return `CREATE ROLE ${role} LOGIN REPLICATION PASSWORD '…';`;
}

/** The lines this role needs from here: one for replication, and one for SQL when that was what failed. */
function hbaLines(error: AppError, { step, settings, clientAddress }: RemedyFacts): string {
  const role = hbaName(settings.user);
  const where = hbaAddress(error, settings, clientAddress);
  const kind = where === "" ? "local" : "host";
  const line = (database: string): string => [kind, database, role, where, "scram-sha-256"].filter(Boolean).join("  ");
  return step === "replication" ? line("replication") : `${line(hbaName(settings.database))}\n${line("replication")}`;
}

/**
 * The address for a pg_hba.conf line. The server names it in its refusal (in quotes, whatever the language); what our
 * own socket was bound to is the same unless an address translation is in between.
 */
function hbaAddress(error: AppError, settings: ConnectionSettings, clientAddress: string | null): string {
  if (settings.hosts.every(isUnixSocket)) return "";
  const told = /"(\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]+)(?:%[^"]*)?"/.exec(error.message)?.[1];
  const own = typeof error.context.clientAddress === "string" ? error.context.clientAddress : null;
  const address = told ?? clientAddress ?? own;
  if (address === null) return "<the address of the machine the worker runs on>/32";
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function sqlIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** Quotes take the meaning from pg_hba.conf's keywords, and allow blanks and commas. */
function hbaName(name: string): string {
  const isPlain =
    /^[A-Za-z_][\w-]*$/.test(name) && !["all", "sameuser", "samerole", "samegroup", "replication"].includes(name);
  return isPlain ? name : `"${name.replaceAll('"', '""')}"`;
}
