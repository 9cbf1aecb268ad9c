import { isIP } from "node:net";
import { isUnixSocket } from "../connection/connection-settings.ts";
import { remedyFor } from "../connection/remedies.ts";
import type { Remedy } from "../connection/remedy.ts";
import { type CheckContext, check, found, notAsked, ok, unlessFilesAreRead, type Verdict } from "./check.ts";
import { managedServiceOf } from "./managed-services.ts";
import { replicaWalLevel } from "./setting-remedy.ts";

const replicationProtocol = check({
  id: "replication-protocol",
  title: "The replication protocol works",
  problem: "The replication protocol does not work",
  severity: "blocks-backup",
  read: "IDENTIFY_SYSTEM in a replication session of this role",
  required: "the server answers",
  why: "base backups are streamed over the replication protocol",
  parts: ["markers", "settings"],
  judge({ markers, settings, server }, context) {
    const { replication } = context;
    if (replication === null) return notAsked("no replication session was tried");
    if (replication.ok) return ok("the server answers in a replication session");
    const service = managedServiceOf(markers);
    if (service !== undefined) return notAsked(`${service.name} refuses it to everybody; see managed-service`);
    const remedy =
      settings.text("wal_level") === "minimal"
        ? replicaWalLevel
        : remedyFor(replication.error, {
            step: "replication",
            settings: context.connection,
            clientAddress: null,
            maxWalSenders: settings.number("max_wal_senders"),
            inRecovery: server.inRecovery,
          });
    return found(
      `${replication.error.code}: ${replication.error.message}`,
      remedy ?? onPrimary(server.inRecovery),
      unlessFilesAreRead(context),
    );
  },
});

function onPrimary(inRecovery: boolean): Remedy | null {
  return inRecovery ? { advice: "look at this standby's pg_hba.conf: it is not the primary's" } : null;
}

const managedService = check({
  id: "managed-service",
  title: "No managed service stands between us and the server's files",
  problem: "A managed service keeps its files to itself",
  severity: "blocks-backup",
  read: "pg_settings and pg_roles for names only a managed service has; a replication session",
  required: "the replication protocol, or files that may be read",
  why: "a physical backup needs the server's files; a service that gives neither can only be backed up its own way",
  parts: ["markers"],
  judge({ markers }, context) {
    const { replication } = context;
    const service = managedServiceOf(markers);
    if (service === undefined) return ok("nothing here belongs to a managed service we know");
    const signs = `${service.name}, by ${markers.join(", ")}`;
    if (replication === null) return notAsked(`this is ${signs}; no replication session was tried`);
    if (replication.ok) return ok(`this is ${signs}, and it lets us use the replication protocol`);
    return found(
      `this is ${signs}, and it refuses the replication protocol (${replication.error.code})`,
      { advice: `no setting of yours changes it. Possible are ${service.instead}` },
      unlessFilesAreRead(context),
    );
  },
});

const tlsNotRequired = check({
  id: "tls-not-required",
  title: "The connection is encrypted in any case",
  problem: "The connection may be unencrypted",
  severity: "note",
  read: "sslmode of the connection string",
  required: "sslmode=require, verify-ca or verify-full over a network",
  why: "whoever listens on the network would read the whole database, and sslmode=prefer and allow go on without TLS unnoticed",
  parts: [],
  judge: (_evidence, context) => judgeTls(context),
});

function judgeTls({ connection, opened }: CheckContext): Verdict {
  const overNetwork = connection.hosts.some(
    (address) => !isUnixSocket(address) && !isLoopback(address.hostAddress ?? address.host),
  );
  if (!overNetwork) return ok("the connection stays on this machine");
  const { sslMode } = connection;
  const tls = opened.tls?.summary ?? "not encrypted";
  if (sslMode === "require" || sslMode === "verify-ca" || sslMode === "verify-full")
    return ok(`sslmode=${sslMode}, ${tls}`);
  const advice = "add sslmode=require (or verify-full with sslrootcert) to the connection string";
  if (opened.tls === null) {
    const how = opened.fellBack
      ? `sslmode=${sslMode} fell back: the server offers no TLS, or refused it`
      : `sslmode=${sslMode}`;
    return found(
      `${how}; the connection is not encrypted`,
      { advice: `set ssl = on at the server, then ${advice}` },
      { severity: "risk" },
    );
  }
  return found(`sslmode=${sslMode}: encrypted now (${tls}), and not when the server stops offering TLS`, { advice });
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}

const passwordEncryption = check({
  id: "password-encryption",
  title: "Passwords are kept as SCRAM verifiers",
  problem: "Passwords are kept as MD5 hashes",
  severity: "risk",
  read: "password_encryption",
  required: "scram-sha-256",
  why: "an md5 hash is as good as the password to whoever reads it, in a backup too; PostgreSQL 18 warns of it and a later one drops it",
  parts: ["settings"],
  judge({ settings, server }) {
    const method = settings.text("password_encryption");
    if (method === "scram-sha-256") return ok(method);
    return found(`${method}: new passwords are stored as md5 hashes`, {
      sql: "ALTER SYSTEM SET password_encryption = 'scram-sha-256';\nSELECT pg_reload_conf();",
      advice: `then set the passwords again, first that of ${server.roleSql} (\\password in psql): those stored as md5 stay so until then`,
    });
  },
});

/** Our sessions put statement_timeout and the idle timeouts of SQL sessions aside; a replication session cannot. */
const timeouts = [
  { name: "idle_session_timeout", severity: "risk" },
  { name: "transaction_timeout", severity: "risk" },
  { name: "idle_in_transaction_session_timeout", severity: "note" },
  { name: "statement_timeout", severity: "note" },
  { name: "lock_timeout", severity: "note" },
] as const;

const sessionTimeouts = check({
  id: "session-timeouts",
  title: "No timeout ends this role's long sessions",
  problem: "A timeout may end long sessions of the role",
  severity: "risk",
  read: timeouts.map(({ name }) => name).join(", "),
  required: "0 (none) for this role",
  why: "a backup holds a session for hours, in which it is idle for long; where we cannot put a timeout aside, the server ends it in the middle",
  parts: ["settings", "role"],
  judge({ settings, role, server }) {
    const set = timeouts.filter(({ name }) => settings.number(name) > 0);
    if (set.length === 0) return ok("none is set");
    const changes = set.flatMap(({ name }) => [
      `ALTER ROLE ${server.roleSql} SET ${name} = 0;`,
      ...(role.settingsInDatabase.includes(name)
        ? [`ALTER ROLE ${server.roleSql} IN DATABASE ${server.databaseSql} RESET ${name};`]
        : []),
    ]);
    const told = set.map(({ name }) => `${name} = ${settings.number(name)}${settings.find(name)?.unit ?? ""}`);
    const advice = server.inRecovery ? { advice: "run it on the primary: a standby changes no roles" } : {};
    const severity = set.some((timeout) => timeout.severity === "risk") ? "risk" : "note";
    return found(told.join(", "), { sql: changes.join("\n"), ...advice }, { severity });
  },
});

const clockDifference = check({
  id: "clock-difference",
  title: "The clocks of server and worker agree",
  problem: "The clocks of server and worker differ",
  severity: "risk",
  read: "clock_timestamp()",
  required: "at most 5 s apart",
  why: "a restore to a time means the server's clock; people and schedules go by the worker's",
  parts: [],
  judge({ server: { clockDifferenceMs, roundTripMs } }) {
    const apart = Math.abs(clockDifferenceMs);
    const told = `the server's clock is ${(apart / 1000).toFixed(1)} s ${clockDifferenceMs < 0 ? "behind" : "ahead"}`;
    // What the question itself took could explain up to half of it.
    if (apart <= toleratedDifferenceMs + roundTripMs / 2) return ok(told);
    return found(told, { advice: "let both machines set their clocks by NTP (chrony, systemd-timesyncd)" });
  },
});

/** Far more than NTP leaves, far less than what matters to a person who names a time. */
const toleratedDifferenceMs = 5_000;

export const connectionChecks = [
  replicationProtocol,
  managedService,
  tlsNotRequired,
  passwordEncryption,
  sessionTimeouts,
  clockDifference,
];
