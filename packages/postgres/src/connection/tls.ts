import { readFile } from "node:fs/promises";
import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, checkServerIdentity, connect, rootCertificates, type TLSSocket } from "node:tls";
import { AppError } from "@tidemark/kit";
import { encodeSslRequest } from "../wire/frontend-messages.ts";
import { abortable } from "./abortable.ts";
import { type ByteSource, connectionLost, readOnce } from "./byte-source.ts";
import type { ConnectionSettings, HostAddress } from "./connection-settings.ts";

export interface TlsFacts {
  /** `TLSv1.3, TLS_AES_256_GCM_SHA384, certificate verified` */
  readonly summary: string;
  readonly isVerified: boolean;
  /** The server's certificate in DER; binds a SCRAM login to this channel. */
  readonly serverCertificate: Uint8Array;
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
  if (answer.length !== 1 || answer[0] !== 0x53) {
    throw new AppError("protocol-violation", {
      message: `${request.address.host} answered the request for TLS with something that is no answer`,
      hint: "is this a PostgreSQL server?",
    });
  }
  const tlsSocket = await shakeHands(socket, await tlsOptions(request), request);
  return { socket: tlsSocket, facts: describeTls(tlsSocket, checksChain(request.settings)) };
}

async function shakeHands(socket: Socket, options: ConnectionOptions, request: TlsRequest): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>();
  const tlsSocket = connect({ ...options, socket });
  const fail = (cause: Error): void => reject(tlsFailed(request, cause));
  const closed = (): void => reject(tlsFailed(request, new Error("the server closed the connection")));
  // An error nobody listens for would end the process; the first one is what is reported.
  tlsSocket.on("error", () => undefined);
  tlsSocket.once("error", fail);
  tlsSocket.once("close", closed);
  tlsSocket.once("secureConnect", () => resolve(tlsSocket));
  try {
    return await abortable(promise, request.signal);
  } catch (error) {
    tlsSocket.destroy();
    throw error;
  } finally {
    tlsSocket.off("error", fail);
    tlsSocket.off("close", closed);
  }
}

function checksChain(settings: ConnectionSettings): boolean {
  if (settings.sslMode === "verify-ca" || settings.sslMode === "verify-full") return true;
  return settings.sslMode === "require" && settings.sslRootCert !== null;
}

async function tlsOptions({ settings, address }: TlsRequest): Promise<ConnectionOptions> {
  const verify = checksChain(settings);
  const isRoot = settings.sslRootCert;
  return {
    minVersion: "TLSv1.2",
    // SNI is for names only (RFC 6066 §3).
    ...(isIP(address.host) === 0 ? { servername: address.host } : {}),
    rejectUnauthorized: verify,
    ...(verify && isRoot !== null
      ? { ca: isRoot === "system" ? [...rootCertificates] : await readPem(isRoot, "sslrootcert") }
      : {}),
    ...(settings.sslCert === null ? {} : { cert: await readPem(settings.sslCert, "sslcert") }),
    ...(settings.sslKey === null ? {} : { key: await readPem(settings.sslKey, "sslkey") }),
    checkServerIdentity: (_name, certificate) =>
      settings.sslMode === "verify-full" ? checkServerIdentity(address.host, certificate) : undefined,
  };
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
  return {
    summary: `${socket.getProtocol() ?? "TLS"}, ${cipher.standardName}, ${verified}`,
    isVerified,
    serverCertificate: socket.getPeerX509Certificate()?.raw ?? new Uint8Array(0),
  };
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
