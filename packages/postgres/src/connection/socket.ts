import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { abortable } from "./abortable.ts";
import { type ByteSource, PooledSource, StreamSource } from "./byte-source.ts";
import { type ConnectionSettings, type HostAddress, isUnixSocket } from "./connection-settings.ts";
import { negotiateTls, type TlsFacts } from "./tls.ts";

/** How a connection is to be encrypted in one attempt; `connectionAttempts` derives them from sslmode. */
export type Encryption = "plain" | "tls-if-offered" | "tls";

export interface SocketOptions {
  readonly encryption: Encryption;
  /** `pulled`: through `source`, fast, for our own protocol. `stream`: nothing reads the socket yet; for pg. */
  readonly reading: "pulled" | "stream";
  /** Fires for the caller's reasons and for timeouts; its reason is thrown. */
  readonly signal: AbortSignal;
  readonly observer?: ConnectObserver | undefined;
}

/** Is told each phase of reaching a server; for reports that tell DNS, TCP and TLS apart. */
export interface ConnectObserver {
  begin(phase: "dns" | "tcp" | "tls"): void;
  done(phase: "dns" | "tcp" | "tls", detail: string): void;
}

export interface OpenedSocket {
  readonly socket: Socket;
  /** Null when opened for pg. */
  readonly source: ByteSource | null;
  readonly address: HostAddress;
  /** The IP address that was reached; null for a Unix socket. */
  readonly ip: string | null;
  /** Null: not encrypted. */
  readonly tls: TlsFacts | null;
  /** TLS was wished for and the server offers none (sslmode=prefer). */
  readonly fellBack: boolean;
}

/**
 * Reaches one host of the settings: resolves it, connects, and negotiates TLS. Each of a name's addresses is tried.
 *
 * @throws AppError `host-unknown`, `connection-refused`, `tls-not-offered`, `tls-failed`, `connection-lost`, or the
 * signal's reason.
 */
export async function openSocket(
  settings: ConnectionSettings,
  address: HostAddress,
  options: SocketOptions,
): Promise<OpenedSocket> {
  const { observer, signal } = options;
  observer?.begin("dns");
  const ips = await resolveHost(address, signal);
  observer?.done("dns", ips === null ? "a Unix socket needs none" : ips.join(", "));
  observer?.begin("tcp");
  const pool = options.reading === "pulled" ? new PooledSource() : null;
  const { socket, ip } = await connectFirst(address, ips, pool, signal);
  observer?.done("tcp", `connected to ${ip ?? address.host} port ${address.port}`);
  try {
    pool?.attach(socket);
    if (options.encryption === "plain" || isUnixSocket(address)) {
      return { socket, source: pool, address, ip, tls: null, fellBack: false };
    }
    observer?.begin("tls");
    const tls = await negotiateTls(socket, pool, { settings, address, signal });
    if (tls === null && options.encryption === "tls") throw tlsNotOffered(settings, address);
    observer?.done(
      "tls",
      tls === null ? "the server offers no TLS; going on without (sslmode=prefer)" : tls.facts.summary,
    );
    if (tls === null) return { socket, source: pool, address, ip, tls: null, fellBack: true };
    const source = options.reading === "pulled" ? new StreamSource(tls.socket) : null;
    return { socket: tls.socket, source, address, ip, tls: tls.facts, fellBack: false };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function resolveHost(address: HostAddress, signal: AbortSignal): Promise<string[] | null> {
  if (isUnixSocket(address)) return null;
  const name = address.hostAddress ?? address.host;
  if (isIP(name) !== 0) return [name];
  try {
    const found = await abortable(lookup(name, { all: true }), signal);
    if (found.length > 0) return [...new Set(found.map((entry) => entry.address))];
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    throw hostUnknown(name, cause);
  }
  throw hostUnknown(name, undefined);
}

function hostUnknown(name: string, cause: unknown): AppError {
  const temporary = systemErrorCode(cause) === "EAI_AGAIN";
  return new AppError("host-unknown", {
    message: `the host "${name}" ${temporary ? "could not be resolved: the name service did not answer" : "is not known"}`,
    hint: "check the spelling, and that this machine's name service knows it",
    context: { host: name },
    cause,
  });
}

async function connectFirst(
  address: HostAddress,
  ips: readonly string[] | null,
  pool: PooledSource | null,
  signal: AbortSignal,
): Promise<{ socket: Socket; ip: string | null }> {
  if (ips === null) return { socket: await connectOne(address, null, pool, signal), ip: null };
  let first: unknown;
  for (const ip of ips) {
    try {
      return { socket: await connectOne(address, ip, pool, signal), ip };
    } catch (error) {
      if (signal.aborted) throw error;
      first ??= error;
    }
  }
  throw first;
}

function connectOne(
  address: HostAddress,
  ip: string | null,
  pool: PooledSource | null,
  signal: AbortSignal,
): Promise<Socket> {
  const where = ip === null ? { path: `${address.host}/.s.PGSQL.${address.port}` } : { host: ip, port: address.port };
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  if (signal.aborted) return Promise.reject(signal.reason);
  const socket = connect(pool === null ? where : { ...where, onread: pool.onread });
  // Whoever reads or writes is told by the close; an error nobody listens for would end the process.
  socket.on("error", () => undefined);
  const abort = (): void => {
    socket.destroy();
    reject(signal.reason);
  };
  const fail = (cause: Error): void => reject(refused(address, ip, cause));
  signal.addEventListener("abort", abort, { once: true });
  socket.once("error", fail);
  socket.once("connect", () => {
    socket.off("error", fail);
    socket.setNoDelay(true);
    // A server whose machine vanished is noticed although a base backup may be silent for long.
    if (ip !== null) socket.setKeepAlive(true, 30_000);
    resolve(socket);
  });
  return promise.finally(() => signal.removeEventListener("abort", abort));
}

function refused(address: HostAddress, ip: string | null, cause: unknown): AppError {
  const at = ip === null ? `the socket in ${address.host}` : `${address.host}${ip === address.host ? "" : ` (${ip})`}`;
  const code = systemErrorCode(cause);
  const why = connectReasons.get(code ?? "") ?? (cause instanceof Error ? cause.message : String(cause));
  return new AppError(code === "ETIMEDOUT" ? "connection-timeout" : "connection-refused", {
    message: `cannot connect to ${at}, port ${address.port}: ${why}`,
    hint: "is PostgreSQL running there, does listen_addresses include this address, and does a firewall let us through?",
    context: { host: address.host, port: address.port, ip },
    cause,
  });
}

const connectReasons: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "nothing listens there"],
  ["ENOENT", "there is no such socket"],
  ["EACCES", "this process may not use the socket"],
  ["EHOSTUNREACH", "there is no route to the host"],
  ["ENETUNREACH", "there is no route to its network"],
  ["ETIMEDOUT", "it did not answer"],
  ["ECONNRESET", "the connection was reset"],
]);

function tlsNotOffered(settings: ConnectionSettings, address: HostAddress): AppError {
  return new AppError("tls-not-offered", {
    message: `${address.host} offers no TLS, and sslmode=${settings.sslMode} does not do without`,
    hint: "set ssl = on at the server, or use sslmode=prefer if the network is trusted",
    context: { host: address.host, port: address.port },
  });
}
