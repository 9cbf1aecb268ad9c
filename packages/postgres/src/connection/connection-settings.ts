import type { Secret } from "@tidemark/kit";

/** libpq's sslmode values (PostgreSQL manual, "SSL Support", table "SSL Mode Descriptions"). */
export type SslMode = "disable" | "allow" | "prefer" | "require" | "verify-ca" | "verify-full";

export interface HostAddress {
  /** A name, an IP address, or the folder of a Unix socket when it begins with `/`. */
  readonly host: string;
  /** An address that is used instead of resolving `host` (which is then only what the certificate must name). */
  readonly hostAddress: string | null;
  readonly port: number;
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
  readonly sslMode: SslMode;
  /** Path of a PEM file with the authorities to trust, or `system` for Node's own list; required for verify-*. */
  readonly sslRootCert: string | null;
  /** Paths of the client's PEM certificate and key. */
  readonly sslCert: string | null;
  readonly sslKey: string | null;
  /** Per host. Null: the caller's own limit. */
  readonly connectTimeoutMs: number | null;
}

/** True when the address is a Unix socket, where TLS is not used and the peer is this machine. */
export function isUnixSocket(address: HostAddress): boolean {
  return address.host.startsWith("/");
}
