import { AppError, type Logger } from "@tidemark/kit";
import { connectionLost } from "../connection/byte-source.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { cancelled, longestTimerMs, reachServer } from "../connection/reach-server.ts";
import type { OpenedSocket } from "../connection/socket.ts";
import { reportedStanding, type ServerStanding } from "../connection/target-session.ts";
import { encodeQuery, encodeQuestion } from "../wire/frontend-messages.ts";
import { askToCancel } from "./cancel-request.ts";
import { majorOf } from "./capabilities.ts";
import { type Answer, type AnswerRows, readAnswer } from "./read-answer.ts";
import { serverError } from "./server-error.ts";
import { defaultConnectTimeoutMs, type SessionOptions } from "./session-options.ts";
import { settlingStatements, startupParameters } from "./session-settings.ts";
import { encodeParameter, type SqlParameter, valueReader } from "./sql-values.ts";
import { WireSession } from "./wire-session.ts";

export type { SqlParameter } from "./sql-values.ts";

export interface QuestionOptions {
  /**
   * The server gives up after this long (statement_timeout). 30,000 unless given here or to the session; 0: never, and
   * then only TCP keepalive notices that the line is dead.
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The session is ended when there is no answer after this long: the line is dead or stalled, else the server would
   * have given up by itself. 5,000 more than `timeoutMs` unless given.
   */
  readonly answerWithinMs?: number | undefined;
}

/**
 * An SQL session for questions about the server. Questions take parameters, never spliced text; the search path is
 * empty, so that nobody's function of the same name is called instead of PostgreSQL's; each has a time limit, on the
 * server and on our side. One question at a time: others wait for their turn.
 *
 * Values come as PostgreSQL's text for what JavaScript has no type for: int8, numeric, pg_lsn.
 *
 * It speaks the protocol itself. The pg driver reads every value as UTF-8 (which destroys binary ones), believes a
 * server that ends a SCRAM login without proving itself, and cannot be told to require channel binding (8.23).
 */
export class SqlSession {
  /** server_version as reported at login: `18.4`, `15.8 (Debian 15.8-0+deb12u1)`. */
  readonly versionText: string;
  readonly major: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: WireSession;
  readonly #logger: Logger | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #defaultTimeoutMs: number;
  readonly #lossListeners = new Set<(error: AppError) => void>();
  #turn: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #isAsking = false;
  #isClosing = false;
  #timeoutMs: number | null = null;
  #lost: AppError | null = null;
  #cancelSent: Promise<void> | null = null;

  private constructor(settings: ConnectionSettings, wire: WireSession, options: SessionOptions) {
    this.#settings = settings;
    this.#wire = wire;
    this.#logger = options.logger;
    this.#signal = options.signal;
    this.#defaultTimeoutMs = options.questionTimeoutMs ?? defaultQuestionTimeoutMs;
    this.versionText = wire.parameters.get("server_version") ?? "";
    this.major = majorOf(this.versionText);
    wire.opened.socket.once("close", () => void this.#learnWhyClosed());
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    if (this.#signal?.aborted === true) this.#abort();
  }

  /**
   * Reaches the server as the settings say and logs in to their database.
   *
   * @throws AppError of reaching and logging in: `host-unknown`, `tls-failed`, `password-wrong`, `database-unknown` …
   */
  static async connect(settings: ConnectionSettings, options: SessionOptions = {}): Promise<SqlSession> {
    return await reachServer(settings, {
      reading: "stream",
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? defaultConnectTimeoutMs,
      observer: options.observer,
      login: async (opened) => {
        const wire = new WireSession(opened, options.logger);
        const startup = startupParameters(settings, options);
        await wire.login({ settings, startup, phase: "sql", observer: options.observer });
        const session = new SqlSession(settings, wire, options);
        try {
          await session.#settle();
          return session;
        } catch (error) {
          await session.close();
          throw error;
        }
      },
      standing: (session) => session.#standing(),
      close: (session) => session.close(),
    });
  }

  /** The socket behind the session: its address and whether it is encrypted. */
  get opened(): OpenedSocket {
    return this.#wire.opened;
  }

  /** Why the session ended, when it was not `close` that ended it. */
  get lost(): AppError | null {
    return this.#lost;
  }

  /** True while a question is under way or waits for its turn. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /**
   * Calls `listener` once, as soon as the session is lost; at once when it is already. Returns how to stop listening.
   */
  onLost(listener: (error: AppError) => void): () => void {
    if (this.#lost === null) this.#lossListeners.add(listener);
    else listener(this.#lost);
    return () => this.#lossListeners.delete(listener);
  }

  /**
   * The rows of one statement.
   *
   * @throws AppError `privilege-missing`, `server-error` …; `connection-lost`, `connection-timeout` and `cancelled` when
   * the session has ended with it.
   */
  async query<Row extends object = Readonly<Record<string, unknown>>>(
    text: string,
    parameters: readonly SqlParameter[] = [],
    options: QuestionOptions = {},
  ): Promise<Row[]> {
    const { columns, rows } = await this.#inTurn(() => this.#ask(text, parameters, options, "text"));
    const readers = columns.map(({ type }) => valueReader(type));
    return rows.map((values) => {
      const row: Record<string, unknown> = {};
      for (const [index, { name }] of columns.entries()) {
        const value = values[index] ?? null;
        row[name] = value === null ? null : readers[index]?.(value.toString("utf8"));
      }
      return row as Row;
    });
  }

  /**
   * The rows of one statement with their values in PostgreSQL's binary format: a bytea is its bytes, an integer is
   * big-endian. A row may have up to 64 MiB.
   *
   * @throws AppError as `query`.
   */
  async queryBinary(
    text: string,
    parameters: readonly SqlParameter[] = [],
    options: QuestionOptions = {},
  ): Promise<(Buffer | null)[][]> {
    const { rows } = await this.#inTurn(() => this.#ask(text, parameters, options, "binary"));
    return rows;
  }

  /** Ends a question that is under way, says goodbye and waits for the socket to close. Idempotent; never throws. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#signal?.removeEventListener("abort", this.#abort);
    if (this.#isAsking) this.#end(new AppError("connection-lost", { message: "the session was ended on our side" }));
    await this.#wire.close();
    await this.#cancelSent;
  }

  /** Puts aside what the role or the database may have set and our questions rely on; statements that need no snapshot. */
  async #settle(): Promise<void> {
    const timeoutMs = this.#defaultTimeoutMs;
    await this.#exchange(encodeQuery(settlingStatements(timeoutMs)), answerMarginMs);
    this.#timeoutMs = timeoutMs;
    // SET cannot make a list of schemas empty.
    await this.query("SELECT pg_catalog.set_config('search_path', '', false)");
  }

  async #standing(): Promise<ServerStanding> {
    const reported = reportedStanding(this.#wire.parameters);
    if (reported !== null) return reported;
    const [row] = await this.query<{ recovery: boolean; read_only: string }>(
      `SELECT pg_catalog.pg_is_in_recovery() AS recovery,
              pg_catalog.current_setting('transaction_read_only') AS read_only`,
    );
    return { inRecovery: row?.recovery ?? null, isReadOnly: row?.read_only === "on" };
  }

  /** Runs `act` when those before it are through, whatever became of them. */
  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#turn.then(act).finally(() => {
      this.#waiting--;
    });
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #ask(
    text: string,
    parameters: readonly SqlParameter[],
    options: QuestionOptions,
    format: "text" | "binary",
  ): Promise<AnswerRows> {
    const timeoutMs = options.timeoutMs ?? this.#defaultTimeoutMs;
    const wishedMs = options.answerWithinMs ?? (timeoutMs === 0 ? 0 : timeoutMs + answerMarginMs);
    const limitMs = Math.min(wishedMs, longestTimerMs);
    if (timeoutMs !== this.#timeoutMs) {
      const setTimeouts = "SELECT pg_catalog.set_config('statement_timeout', $1, false)";
      await this.#exchange(encodeQuestion(setTimeouts, [String(timeoutMs)], "text"), limitMs || answerMarginMs);
      this.#timeoutMs = timeoutMs;
    }
    return await this.#exchange(encodeQuestion(text, parameters.map(encodeParameter), format), limitMs);
  }

  async #exchange(question: Uint8Array, limitMs: number): Promise<AnswerRows> {
    if (this.#lost !== null) throw this.#lost;
    if (this.#isClosing) throw new AppError("internal", { message: "a question was put to a session that was closed" });
    const timer = limitMs === 0 ? undefined : setTimeout(() => this.#end(noAnswer(this.opened, limitMs)), limitMs);
    this.#isAsking = true;
    const answer = await this.#receiveAnswer(question).finally(() => {
      this.#isAsking = false;
      clearTimeout(timer);
    });
    if (answer.error === null) return answer;
    const refusal = serverError(answer.error, "sql", "the server refused a question");
    // An ERROR leaves the session as it was; FATAL and PANIC are its end.
    if (answer.error.severity !== "ERROR") this.#lose(refusal);
    throw refusal;
  }

  async #receiveAnswer(question: Uint8Array): Promise<Answer> {
    try {
      this.#wire.send(question);
      return await readAnswer(this.#wire);
    } catch (error) {
      this.#lose(error);
      throw this.#lost ?? error;
    }
  }

  readonly #abort = (): void => this.#end(cancelled(this.#signal?.reason));

  /** Ends the session at once, and what the server does for it. */
  #end(error: AppError): void {
    if (this.#isAsking && this.#cancelSent === null)
      this.#cancelSent = askToCancel(this.#settings, this.#wire, this.#logger);
    this.#lose(error);
  }

  #lose(error: unknown): void {
    const reason = error instanceof AppError ? error : connectionLost(error);
    this.#wire.destroy(reason);
    if (this.#lost !== null) return;
    this.#lost = reason;
    const listeners = [...this.#lossListeners];
    this.#lossListeners.clear();
    if (!this.#isClosing) for (const listener of listeners) listener(reason);
  }

  /** A session that ends while nobody asks anything: the server may have said why before it closed. */
  async #learnWhyClosed(): Promise<void> {
    if (this.#isAsking || this.#isClosing || this.#lost !== null) return;
    try {
      const { error } = await readAnswer(this.#wire);
      this.#lose(error === null ? connectionLost() : serverError(error, "sql", "the server ended the session"));
    } catch (error) {
      this.#lose(error);
    }
  }
}

const defaultQuestionTimeoutMs = 30_000;
/** For the answer's way and a server that is slow to notice its own timeout. */
const answerMarginMs = 5_000;

function noAnswer(opened: OpenedSocket, limitMs: number): AppError {
  const { host, port } = opened.address;
  return new AppError("connection-timeout", {
    message: `${host} did not answer a question within ${limitMs} ms; the session was ended`,
    hint: "the line stalls or the server hangs: it would have given up by itself before",
    context: { host, port },
  });
}
