import { readFile } from "node:fs/promises";
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect, getCACertificates, type TLSSocket } from "node:tls";
import { AppError } from "@tidemark/kit";
import { encodeSslRequest } from "../wire/frontend-messages.ts";
import { abortable } from "./abortable.ts";
import { type ByteSource, connectionLost, readOnce } from "./byte-source.ts";
import { type CertificateFacts, readCertificate } from "./certificate-facts.ts";
import type { ConnectionSettings, HostAddress } from "./connection-settings.ts";

export interface TlsFacts {
  /** `TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified` */
  readonly summary: string;
  readonly isVerified: boolean;
  /** The server's certificate in DER; binds a SCRAM login to this channel. */
  readonly serverCertificate: Uint8Array;
  /** Null when the server showed none. */
  readonly certificate: CertificateFacts | null;
}

export interface TlsRequest {
  readonly settings: ConnectionSettings;
  readonly address: HostAddress;
  readonly signal: AbortSignal;
}

/**
 * Asks for TLS (SSLRequest) and shakes hands. What is checked depends on sslmode as in libpq: nothing up to `require`
 * (but `require` with a root certificate is `verify-ca`), the chain for `verify-ca`, chain and name for `verify-full`.
 *
 * @returns null when the server offers none.
 * @throws AppError `tls-failed`, `connection-lost`, `protocol-violation`, or the signal's reason.
 */
export async function negotiateTls(
  socket: Socket,
  source: ByteSource | null,
  request: TlsRequest,
): Promise<{ socket: TLSSocket; facts: TlsFacts } | null> {
  socket.write(encodeSslRequest());
  const reading = source === null ? readOnce(socket, request.signal) : abortable(source.read(), request.signal);
  const answer = await reading;
  if (answer === null) throw connectionLost();
  // More than one byte before TLS stands was put there by somebody else (CVE-2021-23222).
  if (answer.length === 1 && answer[0] === 0x4e) return null;
  if (answer[0] === 0x45) throw refusedEarly(request.address.host);
  if (answer.length !== 1 || answer[0] !== 0x53) {
    throw new AppError("protocol-violation", {
      message: `${request.address.host} answered the request for TLS with something that is no answer`,
      hint: "is this a PostgreSQL server?",
    });
  }
  return await shakeHands(socket, await tlsOptions(request), request);
}

/**
 * TLS from the first byte (sslnegotiation=direct, PostgreSQL 17 and newer), which must be answered in the name of the
 * protocol (ALPN). Older servers take the handshake for a broken startup message and close.
 *
 * @throws AppError `tls-failed`, or the signal's reason.
 */
export async function startTlsDirectly(
  socket: Socket,
  request: TlsRequest,
): Promise<{ socket: TLSSocket; facts: TlsFacts }> {
  const options = { ...(await tlsOptions(request)), ALPNProtocols: ["postgresql"] };
  const standing = await shakeHands(socket, options, request);
  if (standing.socket.alpnProtocol === "postgresql") return standing;
  standing.socket.destroy();
  throw tlsFailed(request, new Error("the server does not know TLS from the first byte (sslnegotiation=direct)"));
}

async function shakeHands(
  socket: Socket,
  options: ConnectionOptions,
  request: TlsRequest,
): Promise<{ socket: TLSSocket; facts: TlsFacts }> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const tlsSocket = begin({ ...options, socket }, request);
  const fail = (cause: Error): void => reject(tlsFailed(request, cause));
  const closed = (): void => reject(tlsFailed(request, new Error("the server closed the connection")));
  // An error nobody listens for would end the process; the first one is what is reported.
  tlsSocket.on("error", () => undefined);
  tlsSocket.once("error", fail);
  tlsSocket.once("close", closed);
  tlsSocket.once("secureConnect", () => resolve(tlsSocket));
  try {
    const standing = await abortable(promise, request.signal);
    return { socket: standing, facts: describeTls(standing, checksChain(request.settings)) };
  } catch (error) {
    tlsSocket.destroy();
    throw error;
  } finally {
    tlsSocket.off("error", fail);
    tlsSocket.off("close", closed);
  }
}

/** A certificate, key, revocation list or range of versions that cannot be used is found before the first byte. */
function begin(options: ConnectionOptions, request: TlsRequest): TLSSocket {
  try {
    return connect(options);
  } catch (cause) {
    throw tlsFailed(request, cause instanceof Error ? cause : new Error(String(cause)));
  }
}

function checksChain(settings: ConnectionSettings): boolean {
  if (settings.sslMode === "verify-ca" || settings.sslMode === "verify-full") return true;
  return settings.sslMode === "require" && settings.sslRootCert !== null;
}

async function tlsOptions({ settings, address }: TlsRequest): Promise<ConnectionOptions> {
  const verify = checksChain(settings);
  const root = settings.sslRootCert;
  return {
    minVersion: settings.sslMinVersion,
    ...(settings.sslMaxVersion === null ? {} : { maxVersion: settings.sslMaxVersion }),
    // SNI is for names only (RFC 6066 §3).
    ...(settings.sslSni && isIP(address.host) === 0 ? { servername: address.host } : {}),
    rejectUnauthorized: verify,
    ...(verify && root !== null
      ? { ca: root === "system" ? systemAuthorities() : await readPem(root, "sslrootcert") }
      : {}),
    ...(verify && settings.sslCrl !== null ? { crl: await readPem(settings.sslCrl, "sslcrl") } : {}),
    ...(settings.sslCert === null ? {} : { cert: await readPem(settings.sslCert, "sslcert") }),
    ...(settings.sslKey === null ? {} : { key: await readPem(settings.sslKey, "sslkey") }),
    ...(settings.sslPassword === null ? {} : { passphrase: settings.sslPassword.reveal() }),
    checkServerIdentity: (_name, certificate) =>
      settings.sslMode === "verify-full" ? checkServerIdentity(address.host, certificate) : undefined,
  };
}

/**
 * The authorities this machine trusts: what libpq's sslrootcert=system means (SSL_CTX_set_default_verify_paths). Node
 * reads the same places on Linux: SSL_CERT_FILE and SSL_CERT_DIR, else the file and folder its OpenSSL was built with
 * and the distributions' usual ones; on macOS and Windows the system's own store. The list that ships with Node is not
 * added: an authority an administrator took away must stay away.
 */
function systemAuthorities(): string[] {
  const authorities = getCACertificates("system");
  if (authorities.length > 0) return authorities;
  throw new AppError("tls-failed", {
    message: "sslrootcert=system trusts this machine's authorities, and it has none",
    hint: "install the package ca-certificates on the machine the worker runs on, or name a file as sslrootcert",
  });
}

async function readPem(path: string, parameter: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new AppError("tls-failed", {
      message: `the file of ${parameter}, ${path}, cannot be read`,
      hint: "the file must be readable on the machine the worker runs on",
      cause,
    });
  }
}

function describeTls(socket: TLSSocket, isVerified: boolean): TlsFacts {
  const cipher = socket.getCipher();
  const verified = isVerified ? "certificate verified" : "certificate not verified";
  const derBytes = socket.getPeerX509Certificate()?.raw ?? null;
  return {
    summary: `${socket.getProtocol() ?? "TLS"}, ${cipher.standardName}, ${verified}`,
    isVerified,
    serverCertificate: derBytes ?? new Uint8Array(0),
    certificate: derBytes === null ? null : readCertificate(derBytes),
  };
}

/** An ErrorResponse instead of an answer: a server without a free process, or one that is about to stop. */
function refusedEarly(host: string): AppError {
  return new AppError("connection-lost", {
    message: `${host} ended the connection instead of answering the request for TLS`,
    hint: "the server's log tells why: it may be out of memory or processes",
  });
}

function tlsFailed({ settings, address }: TlsRequest, cause: Error): AppError {
  return new AppError("tls-failed", {
    message: `TLS with ${address.host} failed: ${cause.message}`,
    hint: checksChain(settings)
      ? `sslmode=${settings.sslMode} trusts only what ${settings.sslRootCert ?? "the root certificate"} signed; check it and the host name`
      : "check the server's certificate, ssl_min_protocol_version and whether it wants a client certificate",
    context: { host: address.host, port: address.port },
    cause,
  });
}
