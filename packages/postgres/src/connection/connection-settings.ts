import type { Secret } from "@tidemark/kit";

/** libpq's sslmode values (PostgreSQL manual, "SSL Support", table "SSL Mode Descriptions"). */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

/** libpq's target_session_attrs: which of the hosts will do. */
export type TargetSessionAttrs = "any" | "read-write" | "read-only" | "primary" | "standby" | "prefer-standby";

/** libpq's channel_binding: whether the login must be bound to the TLS channel (SCRAM-SHA-256-PLUS). */
export type ChannelBindingMode = "disable" | "prefer" | "require";

export type TlsVersion = "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3";

/** libpq's names for how a server may ask who we are; `none` is being let in without being asked. */
export type AuthMethod = "password" | "md5" | "gss" | "sspi" | "scram-sha-256" | "oauth" | "none";

/** libpq's require_auth: only these methods, or (with `!`) all but these. */
export interface RequiredAuth {
  readonly allow: boolean;
  readonly methods: readonly AuthMethod[];
}

export interface HostAddress {
  /** A name, an IP address, or the folder of a Unix socket when it begins with `/`. */
  readonly host: string;
  /** An address that is used instead of resolving `host` (which is then only what the certificate must name). */
  readonly hostAddress: string | null;
  readonly port: number;
}

/** How a vanished peer is noticed. What the runtime cannot set is kept and named by `notApplied`. */
export interface KeepaliveSettings {
  readonly enabled: boolean;
  /** Silence before the first probe, in seconds. Null: 30. */
  readonly idleSeconds: number | null;
  /** Between probes. Kept only: the runtime (libuv) always uses 1 s. */
  readonly intervalSeconds: number | null;
  /** Probes before the connection counts as dead. Kept only: the runtime (libuv) always uses 10. */
  readonly count: number | null;
  /** For unacknowledged bytes. Kept only: the runtime cannot set TCP_USER_TIMEOUT. */
  readonly tcpUserTimeoutMs: number | null;
}

/** Everything needed to open a session with one server; the value behind a DSN. Hosts are tried in order. */
export interface ConnectionSettings {
  readonly hosts: readonly [HostAddress, ...HostAddress[]];
  readonly user: string;
  /** For SQL sessions; a replication session names none. `postgres` unless given. */
  readonly database: string;
  readonly password: Secret | null;
  /** `tidemark` unless given. Shown in pg_stat_activity and pg_stat_replication. */
  readonly applicationName: string;
  /** Command-line options for the session (`-c name=value`), given to the server when it starts. */
  readonly options: string | null;
  readonly targetSessionAttrs: TargetSessionAttrs;
  /** Hosts, and the addresses of a name, in random order (load_balance_hosts=random). */
  readonly loadBalanceHosts: boolean;
  readonly sslMode: SslMode;
  /** Path of a PEM file with the authorities to trust, or `system` for those of this machine; required for verify-*. */
  readonly sslRootCert: string | null;
  /** Path of a PEM file with certificates that were revoked; looked at when the chain is. */
  readonly sslCrl: string | null;
  /** Paths of the client's PEM certificate and key. */
  readonly sslCert: string | null;
  readonly sslKey: string | null;
  /** Opens an encrypted `sslKey`. */
  readonly sslPassword: Secret | null;
  readonly sslMinVersion: TlsVersion;
  readonly sslMaxVersion: TlsVersion | null;
  /** Tell the server the host's name in the handshake (SNI). */
  readonly sslSni: boolean;
  /** `direct`: TLS from the first byte (17 and newer); `postgres`: asked for first. */
  readonly sslNegotiation: "postgres" | "direct";
  readonly channelBinding: ChannelBindingMode;
  readonly requireAuth: RequiredAuth | null;
  readonly keepalive: KeepaliveSettings;
  /** Per host. Null: the caller's own limit. */
  readonly connectTimeoutMs: number | null;
}

/** What a connection string means that names only hosts, user and database; for settings made by hand too. */
export const connectionDefaults = {
  password: null,
  applicationName: "tidemark",
  options: null,
  targetSessionAttrs: "any",
  loadBalanceHosts: false,
  sslMode: "prefer",
  sslRootCert: null,
  sslCrl: null,
  sslCert: null,
  sslKey: null,
  sslPassword: null,
  sslMinVersion: "TLSv1.2",
  sslMaxVersion: null,
  sslSni: true,
  sslNegotiation: "postgres",
  channelBinding: "prefer",
  requireAuth: null,
  keepalive: { enabled: true, idleSeconds: null, intervalSeconds: null, count: null, tcpUserTimeoutMs: null },
  connectTimeoutMs: null,
} as const satisfies Omit<ConnectionSettings, "hosts" | "user" | "database">;

/** True when the address is a Unix socket, where TLS is not used and the peer is this machine. */
export function isUnixSocket(address: HostAddress): boolean {
  return address.host.startsWith("/");
}

/** The settings, by their libpq names, that were given and that this runtime cannot apply to a socket. */
export function notApplied(settings: ConnectionSettings): readonly string[] {
  const { intervalSeconds, count, tcpUserTimeoutMs } = settings.keepalive;
  const kept: readonly [string, number | null][] = [
    ["keepalives_interval", intervalSeconds],
    ["keepalives_count", count],
    ["tcp_user_timeout", tcpUserTimeoutMs],
  ];
  return kept.filter(([, value]) => value !== null).map(([name]) => name);
}
