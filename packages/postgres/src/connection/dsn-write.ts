import { type ConnectionSettings, connectionDefaults, type HostAddress, isUnixSocket } from "./connection-settings.ts";

/** The settings as a URI that `parseDsn` reads back. Contains the passwords: for sealing, never for showing. */
export function encodeDsn(settings: ConnectionSettings): string {
  const password = settings.password === null ? "" : `:${encodeURIComponent(settings.password.reveal())}`;
  return writeUri(settings, password, [["sslpassword", settings.sslPassword?.reveal() ?? null]]);
}

/** The settings as a URI for people: without the passwords. */
export function describeDsn(settings: ConnectionSettings): string {
  return writeUri(settings, "", []);
}

type Parameter = readonly [name: string, value: string | null];

function writeUri(settings: ConnectionSettings, passwordPart: string, secrets: readonly Parameter[]): string {
  const hosts = settings.hosts.map((address) => `${encodeHost(address)}:${address.port}`).join(",");
  const query = [["sslmode", settings.sslMode] as const, ...parametersOf(settings), ...secrets]
    .filter((parameter): parameter is readonly [string, string] => parameter[1] !== null)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
  const user = encodeURIComponent(settings.user);
  return `postgresql://${user}${passwordPart}@${hosts}/${encodeURIComponent(settings.database)}?${query}`;
}

/** Null for what is as it would be without being written. */
function parametersOf(settings: ConnectionSettings): readonly Parameter[] {
  const { keepalive, requireAuth } = settings;
  const unless = <T extends string>(value: T, usual: T): T | null => (value === usual ? null : value);
  const number = (value: number | null): string | null => (value === null ? null : String(value));
  return [
    ["hostaddr", hostAddresses(settings)],
    ["options", settings.options],
    ["target_session_attrs", unless(settings.targetSessionAttrs, connectionDefaults.targetSessionAttrs)],
    ["load_balance_hosts", settings.loadBalanceHosts ? "random" : null],
    ["sslrootcert", settings.sslRootCert],
    ["sslcrl", settings.sslCrl],
    ["sslcert", settings.sslCert],
    ["sslkey", settings.sslKey],
    ["ssl_min_protocol_version", unless(settings.sslMinVersion, connectionDefaults.sslMinVersion)],
    ["ssl_max_protocol_version", settings.sslMaxVersion],
    ["sslsni", settings.sslSni ? null : "0"],
    ["sslnegotiation", unless(settings.sslNegotiation, connectionDefaults.sslNegotiation)],
    ["channel_binding", unless(settings.channelBinding, connectionDefaults.channelBinding)],
    ["require_auth", requireAuth?.methods.map((name) => (requireAuth.allow ? name : `!${name}`)).join(",") ?? null],
    ["keepalives", keepalive.enabled ? null : "0"],
    ["keepalives_idle", number(keepalive.idleSeconds)],
    ["keepalives_interval", number(keepalive.intervalSeconds)],
    ["keepalives_count", number(keepalive.count)],
    ["tcp_user_timeout", number(keepalive.tcpUserTimeoutMs)],
    [
      "connect_timeout",
      settings.connectTimeoutMs === null ? null : String(Math.ceil(settings.connectTimeoutMs / 1000)),
    ],
    ["application_name", unless<string>(settings.applicationName, connectionDefaults.applicationName)],
  ];
}

function hostAddresses({ hosts }: ConnectionSettings): string | null {
  if (hosts.every(({ hostAddress }) => hostAddress === null)) return null;
  return hosts.map(({ hostAddress }) => hostAddress ?? "").join(",");
}

function encodeHost(address: HostAddress): string {
  if (isUnixSocket(address)) return encodeURIComponent(address.host);
  // An address may have a zone: fe80::1%eth0.
  return address.host.includes(":") ? `[${address.host.replaceAll("%", "%25")}]` : encodeURIComponent(address.host);
}
