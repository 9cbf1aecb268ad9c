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
  /** The server is a standby, where no role can be changed; false when not known. */
  readonly inRecovery: boolean;
}

/** What to paste where so that the step succeeds next time; undefined when there is nothing exact to say. */
export function remedyFor(error: AppError, facts: RemedyFacts): Remedy | undefined {
  const { settings } = facts;
  const role = sqlIdentifier(settings.user);
  switch (error.code) {
    case "password-wrong":
      return { advice: passwordAdvice(settings.user) };
    case "role-unknown":
      return { sql: `${createRoleIfMissing(settings.user)}\nALTER ROLE ${role} LOGIN REPLICATION;` };
    case "password-missing":
      return { advice: "add the role's password to the connection string" };
    case "auth-method-unsupported":
      if (settings.channelBinding === "require" || settings.requireAuth !== null)
        return { ...hbaRemedy(error, facts), advice: bindingAdvice };
      return hbaRemedy(error, facts);
    case "hba-entry-missing":
      if (wantsClientCertificate(error, settings))
        return { advice: "give a client certificate that the server trusts as sslcert and sslkey" };
      return hbaRemedy(error, facts);
    case "replication-not-permitted":
      return {
        sql: `ALTER ROLE ${role} REPLICATION;`,
        ...(facts.inRecovery ? { advice: "run it on the primary: a standby changes no roles" } : {}),
      };
    case "wal-level-minimal":
      return {
        sql: "ALTER SYSTEM SET wal_level = 'replica';\nALTER SYSTEM SET max_wal_senders = 10;",
        needs: "restart",
      };
    case "wal-senders-exhausted":
      return { sql: `ALTER SYSTEM SET max_wal_senders = ${(facts.maxWalSenders ?? 5) + 5};`, needs: "restart" };
    default:
      return limitRemedy(error, settings) ?? settingsRemedy(error, settings);
  }
}

const bindingAdvice = "or let channel_binding and require_auth of the connection string allow what the server asks for";

/** What was refused because of the role or the database after the login (miscinit.c, postinit.c). */
function limitRemedy(error: AppError, settings: ConnectionSettings): Remedy | undefined {
  const role = sqlIdentifier(settings.user);
  const database = sqlIdentifier(settings.database);
  const { routine } = error.context;
  if (error.code === "privilege-missing" && routine === "CheckMyDatabase")
    return { sql: `GRANT CONNECT ON DATABASE ${database} TO ${role};` };
  if (error.context.sqlState === "55000" && routine === "CheckMyDatabase")
    return { sql: `ALTER DATABASE ${database} ALLOW_CONNECTIONS true;`, advice: "or name another database" };
  if (error.code !== "too-many-connections") return undefined;
  if (routine === "InitializeSessionUserId") return { sql: `ALTER ROLE ${role} CONNECTION LIMIT -1;` };
  if (routine === "CheckMyDatabase") return { sql: `ALTER DATABASE ${database} CONNECTION LIMIT -1;` };
  return { advice: "end sessions the server can do without (pg_stat_activity), or raise max_connections and restart" };
}

function settingsRemedy(error: AppError, settings: ConnectionSettings): Remedy | undefined {
  switch (error.code) {
    case "database-unknown":
      return { advice: `name an existing database instead of "${settings.database}", for example postgres` };
    case "tls-not-offered":
      return {
        sql: "ALTER SYSTEM SET ssl = on;\nSELECT pg_reload_conf();",
        advice:
          "first put a certificate and its key into the data directory as server.crt and server.key (or name them in ssl_cert_file and ssl_key_file); or use sslmode=prefer when the network between us can be trusted",
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
        sql: "ALTER SYSTEM SET listen_addresses = '*';",
        needs: "restart",
        advice:
          "the SQL is for a server that listens on localhost only; or correct host and port, and let this machine through the firewalls between",
      };
    case "replication-protocol-missing":
      return { advice: poolerAdvice };
    case "protocol-violation":
      // PostgreSQL always names the C function that reports an error; connection poolers cannot.
      return error.context.routine === null ? { advice: poolerAdvice } : undefined;
    case "server-in-recovery":
    case "server-not-in-recovery":
      return {
        advice: `name all members of the cluster as hosts, or change target_session_attrs=${settings.targetSessionAttrs}`,
      };
    default:
      return undefined;
  }
}

const poolerAdvice = "name PostgreSQL's own address and port instead of the connection pooler's";

/**
 * In words: the server says the same of a role that is missing, has no password or another one, and the password we
 * know must not be printed.
 */
function passwordAdvice(user: string): string {
  const role = sqlIdentifier(user);
  return `correct role and password in the connection string; or, in psql as a superuser, make the role if it is missing (CREATE ROLE ${role} LOGIN REPLICATION;) and give it the password with \\password ${role}`;
}

/** On one line, because what follows it must be a statement of its own. */
function createRoleIfMissing(user: string): string {
  const literal = `'${user.replaceAll("'", "''")}'`;
  let quote = "$do$";
  while (user.includes(quote)) quote = `${quote.slice(0, -1)}_$`;
  return `DO ${quote} BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = ${literal}) THEN EXECUTE pg_catalog.format('CREATE ROLE %I', ${literal}); END IF; END ${quote};`;
}

/** A line of pg_hba.conf ends where a name has a line end, even in quotes; what follows would be another rule. */
function hbaRemedy(error: AppError, facts: RemedyFacts): Remedy {
  if (/[\r\n]/.test(facts.settings.user + facts.settings.database))
    return { advice: "pg_hba.conf cannot name a role or database with a line end in its name: use another" };
  return { hba: hbaLines(error, facts), needs: "reload" };
}

/** The lines this role needs from here: one for replication, and one for SQL when that was what failed. */
function hbaLines(error: AppError, { step, settings, clientAddress }: RemedyFacts): string {
  const role = hbaName(settings.user);
  const where = hbaAddress(error, settings, clientAddress);
  const kind = where === "" ? "local" : "host";
  const line = (database: string): string => [kind, database, role, where, "scram-sha-256"].filter(Boolean).join("  ");
  return step === "replication" ? line("replication") : `${line(hbaName(settings.database))}\n${line("replication")}`;
}

/** An address inside the sentence, whatever its language and quotes; the host it begins with is the server's. */
const toldAddress =
  /(?<=[^\w.:])(\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:.]*:[0-9a-fA-F.]*)(?:%\w+)?(?=[^\w.:%])/;

/**
 * The address for a pg_hba.conf line. The server names it in its refusal; what our
 * own socket was bound to is the same unless an address translation is in between.
 */
function hbaAddress(error: AppError, settings: ConnectionSettings, clientAddress: string | null): string {
  if (settings.hosts.every(isUnixSocket)) return "";
  const told = toldAddress.exec(error.message)?.[1];
  const own = typeof error.context.clientAddress === "string" ? error.context.clientAddress : null;
  const address = told ?? clientAddress ?? own;
  if (address === null) return "<the address of the machine the worker runs on>/32";
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

/**
 * "connection requires a valid client certificate" has the SQLSTATE and the C function of a line that is missing, but
 * names no address (auth.c, ClientAuthentication).
 */
function wantsClientCertificate(error: AppError, settings: ConnectionSettings): boolean {
  const canHaveTls = settings.sslMode !== "disable" && !settings.hosts.every(isUnixSocket);
  return canHaveTls && settings.sslCert === null && !toldAddress.test(error.message);
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
