import { randomInt } from "node:crypto";
import { lookup } from "node:dns/promises";
import { connect, isIP, type Socket } from "node:net";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { abortable } from "./abortable.ts";
import { type ByteSource, PooledSource, StreamSource } from "./byte-source.ts";
import {
  type ConnectionSettings,
  type HostAddress,
  isUnixSocket,
  type KeepaliveSettings,
  notApplied,
} from "./connection-settings.ts";
import { negotiateTls, startTlsDirectly, type TlsFacts } from "./tls.ts";

/** How a connection is to be encrypted in one attempt; `connectionAttempts` derives them from sslmode. */
export type Encryption = "plain" | "tls-if-offered" | "tls";

export interface SocketOptions {
  readonly encryption: Encryption;
  /** `pooled`: fast, into buffers of 1 MiB, for base backups. `stream`: for small talk. */
  readonly reading: "pooled" | "stream";
  /** Fires for the caller's reasons and for timeouts; its reason is thrown. */
  readonly signal: AbortSignal;
  /** When the signal fires at the latest: a name's addresses but the last have an equal share of it each. */
  readonly timeoutMs?: number | undefined;
  readonly observer?: ConnectObserver | undefined;
}

export type ConnectPhase = "dns" | "tcp" | "tls" | "authentication";

/** Is told each phase of reaching a server; for reports that tell DNS, TCP, TLS and the login apart. */
export interface ConnectObserver {
  begin(phase: ConnectPhase): void;
  /** `tls`: what is known of the channel, when the phase is TLS and it stands. */
  done(phase: ConnectPhase, detail: string, tls?: TlsFacts): void;
}

export interface OpenedSocket {
  readonly socket: Socket;
  readonly source: ByteSource;
  readonly address: HostAddress;
  /** The IP address that was reached; null for a Unix socket. */
  readonly ip: string | null;
  /** Null: not encrypted. */
  readonly tls: TlsFacts | null;
  /** TLS was wished for, and the server offers none or refused it (sslmode=prefer). */
  readonly fellBack: boolean;
}

/**
 * The one place that resolves hosts, connects and encrypts, for both kinds of session and for cancel requests.
 *
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
  const pool = options.reading === "pooled" ? new PooledSource() : null;
  const order = settings.loadBalanceHosts && ips !== null ? shuffled(ips) : ips;
  const request = { address, pool, signal, keepalive: settings.keepalive };
  const { socket, ip } = await connectFirst(request, order, options.timeoutMs);
  observer?.done("tcp", `connected to ${ip ?? address.host} port ${address.port}${notAppliedWords(settings, ip)}`);
  try {
    pool?.attach(socket);
    return { address, ip, ...(await encrypt(settings, address, { ...options, socket, pool })) };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

type Channel = Pick<OpenedSocket, "socket" | "source" | "tls" | "fellBack">;

async function encrypt(
  settings: ConnectionSettings,
  address: HostAddress,
  { socket, pool, encryption, signal, observer }: SocketOptions & { socket: Socket; pool: PooledSource | null },
): Promise<Channel> {
  const plain = (): ByteSource => pool ?? new StreamSource(socket);
  if (isUnixSocket(address)) return { socket, source: plain(), tls: null, fellBack: false };
  if (encryption === "plain") {
    // With prefer it is the second attempt, after TLS.
    const fellBack = settings.sslMode === "prefer";
    if (fellBack) observer?.begin("tls");
    if (fellBack) observer?.done("tls", "TLS failed, or the login over it; going on without (sslmode=prefer)");
    return { socket, source: plain(), tls: null, fellBack };
  }
  observer?.begin("tls");
  const request = { settings, address, signal };
  const tls =
    settings.sslNegotiation === "direct"
      ? await startTlsDirectly(socket, request)
      : await negotiateTls(socket, pool, request);
  if (tls === null && encryption === "tls") throw tlsNotOffered(settings, address);
  if (tls === null) {
    observer?.done("tls", "the server offers no TLS; going on without (sslmode=prefer)");
    return { socket, source: plain(), tls: null, fellBack: true };
  }
  observer?.done("tls", tls.facts.summary, tls.facts);
  return { socket: tls.socket, source: new StreamSource(tls.socket), tls: tls.facts, fellBack: false };
}

function notAppliedWords(settings: ConnectionSettings, ip: string | null): string {
  const names = ip === null ? [] : notApplied(settings);
  return names.length === 0 ? "" : `; not applied, the runtime cannot: ${names.join(", ")}`;
}

/** In random order (Fisher and Yates), for load_balance_hosts=random. */
export function shuffled<T>(items: readonly T[]): T[] {
  const mixed = [...items];
  for (let last = mixed.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [mixed[last], mixed[other]] = [mixed[other] as T, mixed[last] as T];
  }
  return mixed;
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

interface ConnectRequest {
  readonly address: HostAddress;
  readonly pool: PooledSource | null;
  readonly signal: AbortSignal;
  readonly keepalive: KeepaliveSettings;
}

async function connectFirst(
  request: ConnectRequest,
  ips: readonly string[] | null,
  timeoutMs: number | undefined,
): Promise<{ socket: Socket; ip: string | null }> {
  if (ips === null) return { socket: await connectOne(request, null), ip: null };
  let first: unknown;
  for (const [index, ip] of ips.entries()) {
    // Else one that swallows everything (IPv6 behind a firewall) would have all the time, and the others none.
    const shareMs = timeoutMs === undefined || index === ips.length - 1 ? null : timeoutMs / ips.length;
    try {
      return { socket: await connectOne(request, ip, shareMs), ip };
    } catch (error) {
      if (request.signal.aborted) throw error;
      first ??= error;
    }
  }
  throw first;
}

function connectOne(
  { address, pool, signal, keepalive }: ConnectRequest,
  ip: string | null,
  withinMs: number | null = null,
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
  const late = (): void => void socket.destroy(Object.assign(new Error("connect"), { code: "ETIMEDOUT" }));
  const timer = withinMs === null ? undefined : setTimeout(late, withinMs);
  signal.addEventListener("abort", abort, { once: true });
  socket.once("error", fail);
  socket.once("connect", () => {
    socket.off("error", fail);
    socket.setNoDelay(true);
    // A server whose machine vanished is noticed although a base backup may be silent for long: after this silence
    // libuv has the kernel ask ten times, a second apart.
    if (ip !== null && keepalive.enabled)
      socket.setKeepAlive(true, (keepalive.idleSeconds ?? defaultKeepaliveIdleSeconds) * 1000);
    resolve(socket);
  });
  return promise.finally(() => {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
  });
}

const defaultKeepaliveIdleSeconds = 30;

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
