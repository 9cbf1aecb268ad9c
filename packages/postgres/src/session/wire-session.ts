import type { Logger } from "@tidemark/kit";
import { AppError, systemErrorCode } from "@tidemark/kit";
import { type ByteSource, connectionLost } from "../connection/byte-source.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { isUnixSocket } from "../connection/connection-settings.ts";
import type { ConnectObserver, OpenedSocket } from "../connection/socket.ts";
import { Authenticator } from "../wire/authenticator.ts";
import type { BackendMessage } from "../wire/backend-messages.ts";
import { encodeStartup, encodeTerminate } from "../wire/frontend-messages.ts";
import { MessageReader } from "../wire/message-reader.ts";
import { type ServerErrorPhase, serverError } from "./server-error.ts";

/** What a server needs to end a session's work from another connection. */
export interface CancelKey {
  readonly processId: number;
  readonly secretKey: Uint8Array;
}

/** How long the server may say nothing while we wait for it. */
export interface SilenceLimit {
  readonly ms: number;
  /** Must end the session: nothing else wakes who waits. */
  readonly onSilent: () => void;
}

export interface LoginRequest {
  readonly settings: ConnectionSettings;
  /** Parameters of the startup message beside user, name and encoding. */
  readonly startup: Readonly<Record<string, string>>;
  readonly phase: ServerErrorPhase;
  readonly observer?: ConnectObserver | undefined;
}

/**
 * A connection of the protocol 3.0, of both kinds of session: login, messages in and out. Notices and parameters are
 * taken care of here.
 */
export class WireSession {
  readonly opened: OpenedSocket;
  readonly parameters = new Map<string, string>();
  cancelKey: CancelKey | null = null;
  /** Null: wait for ever. */
  silenceLimit: SilenceLimit | null = null;
  readonly #source: ByteSource;
  readonly #reader = new MessageReader();
  readonly #logger: Logger | undefined;
  #silence: { readonly limit: SilenceLimit; readonly timer: NodeJS.Timeout } | null = null;
  #isWaiting = false;
  #isClosed = false;

  constructor(opened: OpenedSocket, logger: Logger | undefined) {
    this.opened = opened;
    this.#source = opened.source;
    this.#logger = logger;
  }

  /**
   * Starts up and logs in.
   *
   * @throws AppError of the login: `password-wrong`, `hba-entry-missing`, `wal-senders-exhausted` …
   */
  async login(request: LoginRequest): Promise<void> {
    try {
      await this.#logIn(request);
    } catch (error) {
      throw this.opened.tls === null ? error : duringTlsLogin(error, request.settings);
    }
  }

  async #logIn({ settings, startup, phase, observer }: LoginRequest): Promise<void> {
    const authenticator = authenticatorFor(settings, this.opened);
    observer?.begin("authentication");
    const { user, applicationName } = settings;
    this.send(encodeStartup({ user, application_name: applicationName, client_encoding: "UTF8", ...startup }));
    let isAuthenticated = false;
    for (;;) {
      const message = await this.receive();
      switch (message.kind) {
        case "authentication": {
          const answer = await authenticator.answer(message.method, message.payload);
          if (answer !== null) this.send(answer);
          // AuthenticationOk is 0 (PostgreSQL manual, "Message Formats").
          if (message.method === 0) {
            isAuthenticated = true;
            observer?.done("authentication", authenticator.summary);
          }
          break;
        }
        case "error":
          throw serverError(message.report, phase, this.#refusal(user), this.#loginContext(user));
        case "backend-key":
          this.cancelKey = { processId: message.processId, secretKey: message.secretKey };
          break;
        case "ready":
          // A server that was never asked to prove itself must not skip the login either.
          if (!isAuthenticated) throw unexpected("ready before the login");
          return;
        default:
          throw unexpected(message.kind);
      }
    }
  }

  #refusal(user: string): string {
    return `${this.opened.address.host} refused the session of "${user}"`;
  }

  #loginContext(user: string): Readonly<Record<string, string | number | undefined>> {
    const { address, socket } = this.opened;
    return { host: address.host, port: address.port, user, clientAddress: socket.localAddress };
  }

  /** See `MessageReader.cutsCopyData`. */
  set cutsCopyData(cuts: boolean) {
    this.#reader.cutsCopyData = cuts;
  }

  send(bytes: Uint8Array): void {
    this.opened.socket.write(bytes);
  }

  /**
   * Sends and waits until the socket has room again, so that memory stays bounded whatever is sent. Rejects when the
   * session ended meanwhile.
   */
  async sendPaced(bytes: Uint8Array): Promise<void> {
    const { socket } = this.opened;
    if (socket.destroyed) throw connectionLost();
    if (socket.write(bytes)) return;
    await new Promise<void>((resolve, reject) => {
      const settle = (act: () => void) => () => {
        socket.off("drain", onDrain);
        socket.off("close", onClose);
        act();
      };
      const onDrain = settle(resolve);
      const onClose = settle(() => reject(connectionLost()));
      socket.on("drain", onDrain);
      socket.on("close", onClose);
    });
  }

  /**
   * The next message that is not a notice or a parameter. Its byte arrays are valid until the next call.
   *
   * @throws AppError `connection-lost` when the server is gone, `protocol-violation` for bytes that are no message.
   */
  async receive(): Promise<BackendMessage> {
    for (;;) {
      const message = this.receiveNow();
      if (message !== null) return message;
      const bytes = await this.#read();
      if (bytes === null) throw connectionLost();
      this.#reader.push(bytes);
    }
  }

  /** The same, of what was read already; null when `receive` has to wait for the server. */
  receiveNow(): BackendMessage | null {
    for (;;) {
      const message = this.#reader.next();
      if (message?.kind === "parameter-status") {
        this.parameters.set(message.name, message.value);
      } else if (message?.kind === "notice") {
        const { severity, sqlState, message: text } = message.report;
        this.#logger?.info({ severity, sqlState }, `the server says: ${text}`);
      } else {
        return message;
      }
    }
  }

  /** One timer for all reads under a limit: wound up anew for each, and heard only while one waits. */
  async #read(): Promise<Uint8Array | null> {
    const limit = this.silenceLimit;
    if (limit === null || this.#isClosed) return await this.#source.read();
    if (this.#silence?.limit === limit) {
      this.#silence.timer.refresh();
    } else {
      clearTimeout(this.#silence?.timer);
      // What keeps the process alive meanwhile is the socket.
      const timer = setTimeout(() => this.#isWaiting && limit.onSilent(), limit.ms).unref();
      this.#silence = { limit, timer };
    }
    this.#isWaiting = true;
    try {
      return await this.#source.read();
    } finally {
      this.#isWaiting = false;
    }
  }

  /** A timer that nobody needs any more would hold the session with its buffers, a MiB, until it is due. */
  #forgetSilence(): void {
    clearTimeout(this.#silence?.timer);
    this.#silence = null;
  }

  /** Ends the session without a goodbye; a pending `receive` rejects with `error`. */
  destroy(error: unknown): void {
    this.#isClosed = true;
    this.#forgetSilence();
    this.#source.fail(error);
    this.opened.socket.destroy();
  }

  /** Says goodbye and waits for the socket to close, at most for a moment. Idempotent; never throws. */
  async close(): Promise<void> {
    const { socket } = this.opened;
    this.#forgetSilence();
    if (this.#isClosed || socket.destroyed) return;
    this.#isClosed = true;
    const closed = new Promise<void>((resolve) => socket.once("close", resolve));
    const timer = setTimeout(() => socket.destroy(), goodbyeMs);
    socket.end(encodeTerminate());
    // Whatever the server still had to say is dropped, else the socket would never see its end.
    this.#source.fail(new AppError("internal", { message: "the session was used after it had been closed" }));
    socket.resume();
    await closed;
    clearTimeout(timer);
  }
}

function authenticatorFor(settings: ConnectionSettings, opened: OpenedSocket): Authenticator {
  return new Authenticator({
    user: settings.user,
    password: settings.password,
    isPrivate: opened.tls !== null || isUnixSocket(opened.address),
    serverCertificate: opened.tls?.serverCertificate ?? null,
    channelBinding: settings.channelBinding,
    requireAuth: settings.requireAuth,
  });
}

/**
 * With TLS 1.3 our side of the handshake is over before the server has looked at our certificate, so that its refusal
 * arrives as the first thing after it; or not at all, when the server's close overtakes it.
 */
function duringTlsLogin(error: unknown, settings: ConnectionSettings): unknown {
  if (!(error instanceof AppError) || error.code !== "connection-lost") return error;
  const isAlert = systemErrorCode(error.cause)?.startsWith("ERR_SSL_") === true;
  if (!isAlert && settings.sslCert === null) return error;
  return new AppError(isAlert ? "tls-failed" : error.code, {
    message: isAlert ? `the server refused the TLS session: ${error.message}` : error.message,
    hint: "the server may not trust our client certificate: its authority belongs into the server's ssl_ca_file",
    context: error.context,
    cause: error,
  });
}

/** A message nobody expected here: we and the server no longer understand each other. */
export function unexpected(kind: string): AppError {
  return new AppError("protocol-violation", {
    message: `the server sent a message (${kind}) that does not belong here`,
  });
}

const goodbyeMs = 2_000;
