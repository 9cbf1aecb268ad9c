import { AppError, Secret } from "@tidemark/kit";
import { type ConnectionSettings, type HostAddress, isUnixSocket, type SslMode } from "./connection-settings.ts";
import { splitKeyValueDsn } from "./dsn-key-value.ts";
import { splitUriDsn } from "./dsn-uri.ts";

/**
 * Reads a connection string as libpq does (PostgreSQL manual, "Connection Strings"): a URI (`postgresql://…`, several
 * hosts allowed, percent-encoding) or key-value pairs (quotes and backslashes). Unlike libpq, nothing comes from the
 * environment, a service file or a password file: what is not written here is not used.
 *
 * @throws AppError `dsn-invalid` with every problem that was found, never with the password.
 */
export function parseDsn(text: string): ConnectionSettings {
  const trimmed = text.trim();
  if (trimmed === "") throw invalid("it is empty");
  const pairs = /^postgres(?:ql)?:\/\//.test(trimmed) ? splitUriDsn(trimmed) : splitKeyValueDsn(trimmed);
  const problems = [...pairs.keys()].flatMap(describeUnknownKey);
  if (problems.length > 0) throw invalid(problems.join("; "));
  return settingsFrom(pairs);
}

/** The settings as a URI that `parseDsn` reads back. Contains the password: for sealing, never for showing. */
export function encodeDsn(settings: ConnectionSettings): string {
  return writeUri(settings, settings.password === null ? "" : `:${encodeURIComponent(settings.password.reveal())}`);
}

/** The settings as a URI for people: without the password. */
export function describeDsn(settings: ConnectionSettings): string {
  return writeUri(settings, "");
}

/** The problem with a connection string; its text may hold a password and is never quoted. */
export function invalid(why: string): AppError {
  return new AppError("dsn-invalid", {
    message: `the connection string cannot be used: ${why}`,
    hint: "for example postgresql://tidemark:password@db.example.com:5432/postgres?sslmode=require",
  });
}

const sslModes: readonly SslMode[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
const knownKeys: ReadonlySet<string> = new Set([
  ...["host", "hostaddr", "port", "user", "password", "dbname", "application_name", "connect_timeout"],
  ...["sslmode", "sslrootcert", "sslcert", "sslkey"],
]);
/** What libpq knows and we do not do; told apart from misspelt keys. */
const unsupportedKeys: ReadonlySet<string> = new Set([
  ...["channel_binding", "client_encoding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib"],
  ...["keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts"],
  ...["max_protocol_version", "min_protocol_version", "oauth_client_id", "oauth_client_secret", "oauth_issuer"],
  ...["oauth_scope", "options", "passfile", "replication", "require_auth", "requirepeer", "requiressl"],
  ...["scram_client_key", "scram_server_key", "service", "servicefile", "ssl_max_protocol_version"],
  ...["ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkeylogfile"],
  ...["sslnegotiation", "sslpassword", "sslsni", "target_session_attrs", "tcp_user_timeout"],
]);

function describeUnknownKey(key: string): string[] {
  if (knownKeys.has(key)) return [];
  if (unsupportedKeys.has(key)) return [`"${key}" is a libpq parameter that Tidemark does not support`];
  return [`"${key}" is not a parameter`];
}

function settingsFrom(pairs: ReadonlyMap<string, string>): ConnectionSettings {
  const problems: string[] = [];
  const given = (key: string): string | null => {
    const value = pairs.get(key);
    return value === undefined || value === "" ? null : value;
  };
  const hosts = readHosts(given("host"), given("hostaddr"), given("port"), problems);
  const user = given("user");
  if (user === null) problems.push("no user is given");
  const sslMode = (given("sslmode") ?? "prefer") as SslMode;
  if (!sslModes.includes(sslMode)) problems.push(`sslmode must be one of ${sslModes.join(", ")}`);
  const sslRootCert = given("sslrootcert");
  if (sslMode.startsWith("verify-") && sslRootCert === null) {
    problems.push(`sslmode=${sslMode} needs sslrootcert (a PEM file, or "system" for the public authorities)`);
  }
  if (sslRootCert === "system" && sslMode !== "verify-full")
    problems.push("sslrootcert=system needs sslmode=verify-full");
  const sslCert = given("sslcert");
  const sslKey = given("sslkey");
  if ((sslCert === null) !== (sslKey === null)) problems.push("sslcert and sslkey must be given together");
  const connectTimeoutMs = readTimeout(given("connect_timeout"), problems);
  const password = given("password");
  const [first, ...rest] = hosts;
  if (problems.length > 0 || first === undefined || user === null) throw invalid(problems.join("; "));
  return {
    hosts: [first, ...rest],
    user,
    database: given("dbname") ?? "postgres",
    password: password === null ? null : new Secret(password),
    applicationName: given("application_name") ?? "tidemark",
    sslMode,
    sslRootCert,
    sslCert,
    sslKey,
    connectTimeoutMs,
  };
}

/** host, hostaddr and port are lists that go together; one port may serve all hosts. */
function readHosts(
  host: string | null,
  hostaddr: string | null,
  port: string | null,
  problems: string[],
): HostAddress[] {
  if (host === null && hostaddr === null) {
    problems.push("no host is given");
    return [];
  }
  const addresses = hostaddr?.split(",") ?? [];
  const names = host?.split(",") ?? addresses;
  const ports = port?.split(",") ?? [];
  if (hostaddr !== null && addresses.length !== names.length) problems.push("host and hostaddr have different lengths");
  if (ports.length > 1 && ports.length !== names.length) problems.push("host and port have different lengths");
  return names.map((name, index) => {
    const portText = ports[ports.length === 1 ? 0 : index] ?? "";
    const number = portText === "" ? 5432 : Number(portText);
    if (!/^\d*$/.test(portText) || number < 1 || number > 65_535) problems.push(`"${portText}" is not a port`);
    if (name === "" && (addresses[index] ?? "") === "") problems.push("a host is empty");
    const hostAddress = addresses[index] ?? "";
    return {
      host: name === "" ? hostAddress : name,
      hostAddress: hostAddress === "" ? null : hostAddress,
      port: number,
    };
  });
}

/** Whole seconds; 0 and negative values mean none, as in libpq. */
function readTimeout(text: string | null, problems: string[]): number | null {
  if (text === null) return null;
  if (!/^-?\d{1,6}$/.test(text)) {
    problems.push("connect_timeout must be whole seconds");
    return null;
  }
  return Number(text) <= 0 ? null : Number(text) * 1000;
}

function writeUri(settings: ConnectionSettings, passwordPart: string): string {
  const hosts = settings.hosts.map((address) => `${encodeHost(address)}:${address.port}`).join(",");
  const hostAddresses = settings.hosts.some(({ hostAddress }) => hostAddress !== null)
    ? settings.hosts.map(({ hostAddress }) => hostAddress ?? "").join(",")
    : null;
  const parameters: [string, string | null][] = [
    ["sslmode", settings.sslMode],
    ["hostaddr", hostAddresses],
    ["sslrootcert", settings.sslRootCert],
    ["sslcert", settings.sslCert],
    ["sslkey", settings.sslKey],
    [
      "connect_timeout",
      settings.connectTimeoutMs === null ? null : String(Math.ceil(settings.connectTimeoutMs / 1000)),
    ],
    ["application_name", settings.applicationName === "tidemark" ? null : settings.applicationName],
  ];
  const query = parameters
    .filter((pair): pair is [string, string] => pair[1] !== null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
  const user = encodeURIComponent(settings.user);
  return `postgresql://${user}${passwordPart}@${hosts}/${encodeURIComponent(settings.database)}?${query}`;
}

function encodeHost(address: HostAddress): string {
  if (isUnixSocket(address)) return encodeURIComponent(address.host);
  return address.host.includes(":") ? `[${address.host}]` : encodeURIComponent(address.host);
}
