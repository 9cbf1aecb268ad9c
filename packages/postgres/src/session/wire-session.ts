import type { Logger } from "@tidemark/kit";
import { AppError } from "@tidemark/kit";
import { type ByteSource, connectionLost } from "../connection/byte-source.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { isUnixSocket } from "../connection/connection-settings.ts";
import type { OpenedSocket } from "../connection/socket.ts";
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

/** A logged-in connection of the protocol 3.0: messages in and out. Notices and parameters are taken care of here. */
export class WireSession {
  readonly opened: OpenedSocket;
  readonly parameters = new Map<string, string>();
  cancelKey: CancelKey | null = null;
  readonly #source: ByteSource;
  readonly #reader = new MessageReader();
  readonly #logger: Logger | undefined;
  #isClosed = false;

  constructor(opened: OpenedSocket, logger: Logger | undefined) {
    if (opened.source === null) throw new Error("a wire session needs a socket that is pulled");
    this.opened = opened;
    this.#source = opened.source;
    this.#logger = logger;
  }

  /**
   * Starts up and logs in.
   *
   * @throws AppError of the login: `password-wrong`, `hba-entry-missing`, `wal-senders-exhausted` …
   */
  async login(
    settings: ConnectionSettings,
    startup: Readonly<Record<string, string>>,
    phase: ServerErrorPhase,
  ): Promise<void> {
    const { opened } = this;
    const authenticator = new Authenticator({
      user: settings.user,
      password: settings.password,
      isPrivate: opened.tls !== null || isUnixSocket(opened.address),
      serverCertificate: opened.tls?.serverCertificate ?? null,
    });
    this.send(encodeStartup({ user: settings.user, application_name: settings.applicationName, ...startup }));
    for (;;) {
      const message = await this.receive();
      switch (message.kind) {
        case "authentication": {
          const answer = await authenticator.answer(message.method, message.payload);
          if (answer !== null) this.send(answer);
          break;
        }
        case "error":
          throw serverError(message.report, phase, `${opened.address.host} refused the session of "${settings.user}"`, {
            host: opened.address.host,
            port: opened.address.port,
            user: settings.user,
            clientAddress: opened.socket.localAddress,
          });
        case "backend-key":
          this.cancelKey = { processId: message.processId, secretKey: message.secretKey };
          break;
        case "ready":
          return;
        default:
          throw unexpected(message.kind);
      }
    }
  }

  send(bytes: Uint8Array): void {
    this.opened.socket.write(bytes);
  }

  /**
   * The next message that is not a notice or a parameter. Its byte arrays are valid until the next call.
   *
   * @throws AppError `connection-lost` when the server is gone, `protocol-violation` for bytes that are no message.
   */
  async receive(): Promise<BackendMessage> {
    for (;;) {
      const message = this.#reader.next();
      if (message === null) {
        const bytes = await this.#source.read();
        if (bytes === null) throw connectionLost();
        this.#reader.push(bytes);
      } else if (message.kind === "parameter-status") {
        this.parameters.set(message.name, message.value);
      } else if (message.kind === "notice") {
        const { severity, sqlState, message: text } = message.report;
        this.#logger?.info({ severity, sqlState }, `the server says: ${text}`);
      } else {
        return message;
      }
    }
  }

  /** Ends the session without a goodbye; a pending `receive` rejects with `error`. */
  destroy(error: unknown): void {
    this.#isClosed = true;
    this.#source.fail(error);
    this.opened.socket.destroy();
  }

  /** Says goodbye and waits for the socket to close, at most for a moment. Idempotent; never throws. */
  async close(): Promise<void> {
    const { socket } = this.opened;
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

/** A message nobody expected here: we and the server no longer understand each other. */
export function unexpected(kind: string): AppError {
  return new AppError("protocol-violation", {
    message: `the server sent a message (${kind}) that does not belong here`,
  });
}

const goodbyeMs = 2_000;
