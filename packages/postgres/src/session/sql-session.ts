import { AppError, type ErrorContext } from "@tidemark/kit";
import { Client, DatabaseError } from "pg";
import { connectionLost } from "../connection/byte-source.ts";
import { type ConnectionSettings, isUnixSocket } from "../connection/connection-settings.ts";
import { cancelled, reachServer } from "../connection/reach-server.ts";
import type { OpenedSocket } from "../connection/socket.ts";
import { cleartextRefused } from "../wire/authenticator.ts";
import { serverError } from "./server-error.ts";
import { readDatabasesSize, readServerFacts, type ServerFacts } from "./server-facts.ts";
import { defaultConnectTimeoutMs, type SessionOptions } from "./session-options.ts";

/** What may stand for `$1` … in a question; arrays become PostgreSQL arrays. */
export type SqlParameter = string | number | bigint | boolean | Uint8Array | Date | null | readonly string[];

export interface QuestionOptions {
  /** The server gives up after this long (statement_timeout). 30,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

/**
 * An SQL session for questions about the server. Questions take parameters, never spliced text; the search path is
 * empty, so that nobody's function of the same name is called instead of PostgreSQL's; each has a time limit.
 *
 * Values come as PostgreSQL's text for what JavaScript has no type for: int8, numeric, pg_lsn.
 */
export class SqlSession {
  readonly #client: Client;
  readonly #opened: OpenedSocket;
  readonly #signal: AbortSignal | undefined;
  #timeoutMs: number | null = null;
  #failure: AppError | null = null;

  private constructor(client: Client, opened: OpenedSocket, signal: AbortSignal | undefined) {
    this.#client = client;
    this.#opened = opened;
    this.#signal = signal;
    client.on("error", (cause) => {
      this.#failure ??= connectionLost(cause);
    });
    signal?.addEventListener("abort", this.#abort, { once: true });
    if (signal?.aborted === true) this.#abort();
  }

  /** Reaches the server as the settings say and logs in to their database. */
  static async connect(settings: ConnectionSettings, options: SessionOptions = {}): Promise<SqlSession> {
    return await reachServer(settings, {
      reading: "stream",
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? defaultConnectTimeoutMs,
      observer: options.observer,
      login: async (opened) => {
        const client = await login(settings, opened, options);
        const session = new SqlSession(client, opened, options.signal);
        await session.query("SELECT pg_catalog.set_config('search_path', '', false)");
        return session;
      },
    });
  }

  get opened(): OpenedSocket {
    return this.#opened;
  }

  /**
   * The rows of one statement.
   *
   * @throws AppError `privilege-missing`, `server-error`, `connection-lost`, `cancelled` …
   */
  async query<Row extends object = Readonly<Record<string, unknown>>>(
    text: string,
    parameters: readonly SqlParameter[] = [],
    options: QuestionOptions = {},
  ): Promise<Row[]> {
    const timeoutMs = options.timeoutMs ?? defaultQuestionTimeoutMs;
    try {
      if (timeoutMs !== this.#timeoutMs) {
        await this.#client.query("SELECT pg_catalog.set_config('statement_timeout', $1, false)", [String(timeoutMs)]);
        this.#timeoutMs = timeoutMs;
      }
      const result = await this.#client.query<Row>(text, parameters.map(toDriver));
      return result.rows;
    } catch (error) {
      throw this.#failure ?? toAppError(error, "the server refused a question");
    }
  }

  /** What the server says of itself. */
  serverFacts(): Promise<ServerFacts> {
    return readServerFacts(this);
  }

  /** The size of all databases in bytes; it looks at every file. Null when this role may not ask. */
  databasesSizeBytes(): Promise<bigint | null> {
    return readDatabasesSize(this);
  }

  /** Idempotent; never throws. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#abort);
    const { socket } = this.#opened;
    if (socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), goodbyeMs);
    await this.#client.end().catch(() => socket.destroy());
    clearTimeout(timer);
  }

  readonly #abort = (): void => {
    this.#failure ??= cancelled(this.#signal?.reason);
    this.#opened.socket.destroy();
  };
}

const defaultQuestionTimeoutMs = 30_000;
const goodbyeMs = 2_000;

/** Lets pg log in over a socket that is already connected (and encrypted). */
async function login(settings: ConnectionSettings, opened: OpenedSocket, options: SessionOptions): Promise<Client> {
  const { logger, startupOptions } = options;
  const { socket } = opened;
  const clientAddress = socket.localAddress;
  socket.connect = (): typeof socket => {
    queueMicrotask(() => socket.emit("connect"));
    return socket;
  };
  const certificate = opened.tls?.serverCertificate;
  if (certificate !== undefined) {
    // Node 24.21 gives a peer's certificate away once only, and we have taken it; pg binds its SCRAM login to it.
    Object.assign(socket, { getPeerCertificate: () => ({ raw: Buffer.from(certificate) }) });
  }
  let refused: AppError | null = null;
  const client = new Client({
    host: opened.address.host,
    port: opened.address.port,
    user: settings.user,
    database: settings.database,
    application_name: settings.applicationName,
    ...(startupOptions === undefined ? {} : { options: startupOptions }),
    ssl: false,
    enableChannelBinding: opened.tls !== null,
    stream: () => socket,
    // A function, because pg would look into ~/.pgpass when there is none.
    password: () => {
      if (settings.password !== null) return settings.password.reveal();
      refused = new AppError("password-missing", {
        message: `the server asks for the password of "${settings.user}" and none is known`,
        hint: "put the password into the connection string",
      });
      throw refused;
    },
  });
  const refuse = (error: AppError): void => {
    refused = error;
    socket.destroy();
  };
  if (opened.tls === null && !isUnixSocket(opened.address)) {
    connectionOf(client).prependListener("authenticationCleartextPassword", () => refuse(cleartextRefused()));
  }
  client.on("notice", (notice) => logger?.info({ sqlState: notice.code }, `the server says: ${notice.message ?? ""}`));
  try {
    await client.connect();
    return client;
  } catch (error) {
    const { host, port } = opened.address;
    throw (
      refused ??
      toAppError(error, `${host} refused the session of "${settings.user}"`, {
        host,
        port,
        user: settings.user,
        clientAddress,
      })
    );
  }
}

/** pg's inner connection, which announces each kind of message; part of its API in practice, not in its types. */
function connectionOf(client: Client): NodeJS.EventEmitter {
  return (client as unknown as { readonly connection: NodeJS.EventEmitter }).connection;
}

function toDriver(parameter: SqlParameter): unknown {
  return typeof parameter === "bigint" ? parameter.toString() : parameter;
}

function toAppError(error: unknown, what: string, context: ErrorContext = {}): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof DatabaseError) {
    return serverError(
      {
        severity: error.severity ?? "ERROR",
        sqlState: error.code ?? "XX000",
        message: error.message,
        detail: error.detail ?? null,
        hint: error.hint ?? null,
        routine: error.routine ?? null,
      },
      "sql",
      what,
      context,
    );
  }
  if (error instanceof TypeError || error instanceof RangeError) {
    return new AppError("internal", {
      message: `the PostgreSQL driver failed: ${error.message}`,
      context,
      cause: error,
    });
  }
  return connectionLost(error);
}
