import { AppError, type Logger, systemClock } from "@tidemark/kit";
import { baseBackupCommand } from "../base-backup/base-backup-command.ts";
import type { BaseBackupOptions, BaseBackupStream } from "../base-backup/base-backup-events.ts";
import { eventsOf, streamBaseBackup } from "../base-backup/base-backup-stream.ts";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { cancelled, reachServer } from "../connection/reach-server.ts";
import type { OpenedSocket } from "../connection/socket.ts";
import { reportedStanding, type ServerStanding, shownStanding } from "../connection/target-session.ts";
import { type Lsn, parseLsn } from "../files/lsn.ts";
import type { SystemIdentity } from "../server/identity.ts";
import { ReplicatedWal } from "../wal-stream/replicate-wal.ts";
import type { ReplicationStart, WalStream } from "../wal-stream/wal-stream-events.ts";
import type { ServerReport } from "../wire/backend-messages.ts";
import { encodeQuery, quoteIdentifier } from "../wire/frontend-messages.ts";
import { askToCancel } from "./cancel-request.ts";
import { type Capabilities, capabilitiesOf, majorOf } from "./capabilities.ts";
import { sendManifest } from "./send-manifest.ts";
import { serverError } from "./server-error.ts";
import { defaultConnectTimeoutMs, type SessionOptions } from "./session-options.ts";
import { unexpected, WireSession } from "./wire-session.ts";

export interface ReplicationSlot {
  readonly kind: "physical" | "logical";
  readonly restartLsn: Lsn | null;
  readonly restartTimeline: number | null;
}

export interface TimelineHistoryFile {
  /** `00000002.history` */
  readonly fileName: string;
  readonly content: Uint8Array;
}

type Row = readonly (Uint8Array | null)[];

/**
 * A session of the streaming replication protocol (PostgreSQL manual, "Streaming Replication Protocol"): physical,
 * bound to no database. One command at a time; a second one meanwhile is refused as `internal`.
 *
 * Every method throws an AppError of the group "reaching and using a managed server": `connection-lost` when the
 * session ended meanwhile, `cancelled` when its signal fired.
 */
export class ReplicationSession {
  /** server_version as reported at login: `18.4`, `15.8 (Debian 15.8-0+deb12u1)`. */
  readonly versionText: string;
  readonly major: number;
  readonly #settings: ConnectionSettings;
  readonly #wire: WireSession;
  readonly #logger: Logger | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #commandTimeoutMs: number;
  readonly #stallLimitMs: number;
  #isBusy = false;
  #isStreaming = false;
  #cancelSent: Promise<void> | null = null;

  private constructor(settings: ConnectionSettings, wire: WireSession, options: SessionOptions) {
    this.#settings = settings;
    this.#wire = wire;
    this.#logger = options.logger;
    this.#signal = options.signal;
    this.#commandTimeoutMs = options.commandTimeoutMs ?? defaultCommandTimeoutMs;
    this.#stallLimitMs = options.stallLimitMs ?? defaultStallLimitMs;
    this.versionText = wire.parameters.get("server_version") ?? "";
    this.major = majorOf(this.versionText);
    this.#signal?.addEventListener("abort", this.#abort, { once: true });
    if (this.#signal?.aborted === true) this.#abort();
  }

  /** Reaches the server as the settings say and logs in. */
  static async connect(settings: ConnectionSettings, options: SessionOptions = {}): Promise<ReplicationSession> {
    return await reachServer(settings, {
      reading: "pooled",
      signal: options.signal,
      timeoutMs: options.timeoutMs ?? defaultConnectTimeoutMs,
      observer: options.observer,
      login: async (opened) => {
        const wire = new WireSession(opened, options.logger);
        const startup = { replication: "true", ...(settings.options === null ? {} : { options: settings.options }) };
        await wire.login({ settings, startup, phase: "replication", observer: options.observer });
        return new ReplicationSession(settings, wire, options);
      },
      standing: (session) => session.#standing(),
      close: (session) => session.close(),
    });
  }

  /** The socket behind the session: its address and whether it is encrypted. */
  get opened(): OpenedSocket {
    return this.#wire.opened;
  }

  get capabilities(): Capabilities {
    return capabilitiesOf(this.major);
  }

  async identifySystem(): Promise<SystemIdentity> {
    const [row] = await this.#query("IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM");
    const systemIdentifier = text(row, 0);
    if (!/^\d{1,20}$/.test(systemIdentifier)) throw unexpected("a system identifier that is no number");
    return {
      systemIdentifier: BigInt(systemIdentifier),
      timeline: Number(text(row, 1)),
      flushLsn: parseLsn(text(row, 2)),
    };
  }

  /** The value of a server setting as SHOW prints it (`16MB`, `0700`). */
  async show(setting: string): Promise<string> {
    const [row] = await this.#query(`SHOW ${quoteIdentifier(setting)}`, `SHOW ${setting}`);
    return text(row, 0);
  }

  /** A physical slot that holds WAL from now on and goes away with this session. */
  async createTemporarySlot(name: string): Promise<void> {
    await this.#createSlot(name, "TEMPORARY PHYSICAL RESERVE_WAL");
  }

  /** A physical slot that stays until dropped. `reserveWal`: hold WAL from now on, not from its first use. */
  async createPhysicalSlot(name: string, options: { readonly reserveWal: boolean }): Promise<void> {
    await this.#createSlot(name, options.reserveWal ? "PHYSICAL RESERVE_WAL" : "PHYSICAL");
  }

  async dropSlot(name: string): Promise<void> {
    await this.#query(`DROP_REPLICATION_SLOT ${quoteIdentifier(name)}`, `dropping the slot "${name}"`);
  }

  /**
   * Null when there is none of that name.
   *
   * @throws AppError `version-unsupported` on 13 and 14, which have no such command: ask over SQL there.
   */
  async readReplicationSlot(name: string): Promise<ReplicationSlot | null> {
    if (!this.capabilities.canReadReplicationSlot) {
      throw new AppError("version-unsupported", { message: `PostgreSQL ${this.major} has no READ_REPLICATION_SLOT` });
    }
    const [row] = await this.#query(`READ_REPLICATION_SLOT ${quoteIdentifier(name)}`, `reading the slot "${name}"`);
    if (row?.[0] === null || row?.[0] === undefined) return null;
    return {
      kind: text(row, 0) === "logical" ? "logical" : "physical",
      restartLsn: row[1] === null ? null : parseLsn(text(row, 1)),
      restartTimeline: row[2] === null ? null : Number(text(row, 2)),
    };
  }

  /** Null for timeline 1, which has no history. */
  async timelineHistory(timeline: number): Promise<TimelineHistoryFile | null> {
    if (timeline === 1) return null;
    const [row] = await this.#query(`TIMELINE_HISTORY ${timeline}`, `reading the history of timeline ${timeline}`);
    return { fileName: text(row, 0), content: row?.[1] ?? new Uint8Array(0) };
  }

  /**
   * Gives the server the manifest of the backup that a following incremental base backup of this session builds on; a second
   * upload replaces the first. 17 and newer.
   *
   * @throws AppError `server-error` when the server refuses what it was given (the session goes on then), whatever
   * `chunks` throws (the session is over), `version-unsupported` before 17.
   */
  async uploadManifest(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (!this.capabilities.canBackUpIncrementally) {
      throw new AppError("version-unsupported", { message: `PostgreSQL ${this.major} has no UPLOAD_MANIFEST` });
    }
    this.#begin();
    // Counted anew with every piece, so a manifest of any size may be sent.
    let timer = this.#limitUpload();
    try {
      await sendManifest(this.#wire, chunks, () => {
        clearTimeout(timer);
        timer = this.#limitUpload();
      });
      this.#isBusy = false;
    } catch (error) {
      if (error instanceof AppError && error.context.sqlState !== undefined) this.#isBusy = false;
      else this.#abandon(connectionAbandoned());
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts when its events are pulled. One that fails or is left early ends the session. */
  baseBackup(options: BaseBackupOptions): BaseBackupStream {
    const command = baseBackupCommand(options, this.capabilities);
    const turns = () =>
      streamBaseBackup(this.#wire, this.capabilities, {
        begin: () => {
          this.#begin();
          this.#limitSilence(startLimitMs[options.checkpoint]);
          this.#wire.send(encodeQuery(command));
        },
        started: () => this.#limitSilence(this.#stallLimitMs),
        done: () => {
          this.#wire.silenceLimit = null;
          this.#isBusy = false;
        },
        abandon: () => this.#abandon(connectionAbandoned()),
        incremental: options.incremental,
      });
    return { turns, events: () => eventsOf(turns()) };
  }

  /**
   * Streams WAL; after `identifySystem`, without which 13 and 14 refuse it. A stream that is refused, ends with its timeline
   * or is stopped leaves the session free; one that fails or is left early ends it.
   */
  startReplication(start: ReplicationStart): WalStream {
    return new ReplicatedWal(this.#wire, start, {
      begin: () => {
        this.#begin();
        this.#isStreaming = true;
      },
      done: () => {
        this.#isStreaming = false;
        this.#isBusy = false;
      },
      abandon: (error) => this.#abandon(error),
      clock: systemClock,
    });
  }

  /** Says goodbye and waits until the socket is closed. Idempotent; never throws. */
  async close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#abort);
    if (this.#isBusy) this.#abandon(connectionAbandoned());
    await this.#wire.close();
    await this.#cancelSent;
  }

  readonly #abort = (): void => {
    this.#abandon(cancelled(this.#signal?.reason));
  };

  /** Ends the session at once, and what the server does for it. */
  #abandon(error: AppError): void {
    // A walsender that streams notices by itself that its client is gone.
    if (this.#isBusy && !this.#isStreaming && this.#cancelSent === null)
      this.#cancelSent = askToCancel(this.#settings, this.#wire, this.#logger);
    this.#wire.destroy(error);
  }

  async #createSlot(name: string, kind: string): Promise<void> {
    const what = `creating the replication slot "${name}"`;
    try {
      await this.#query(`CREATE_REPLICATION_SLOT ${quoteIdentifier(name)} ${kind}`, what);
    } catch (error) {
      // 55000 from CheckSlotRequirements lumps together wal_level and max_replication_slots = 0.
      if (!(error instanceof AppError) || error.context.routine !== "CheckSlotRequirements") throw error;
      const none = (await this.show("max_replication_slots")) === "0";
      throw new AppError(none ? "replication-slots-exhausted" : "wal-level-minimal", {
        message: error.message,
        hint: none ? "raise max_replication_slots and restart" : "set wal_level = 'replica' and restart the server",
        context: error.context,
        cause: error,
      });
    }
  }

  async #standing(): Promise<ServerStanding> {
    const reported = reportedStanding(this.#wire.parameters);
    if (reported !== null) return reported;
    return shownStanding(await this.show("transaction_read_only"), await this.show("default_transaction_read_only"));
  }

  #limitUpload(): NodeJS.Timeout {
    const ms = this.#commandTimeoutMs;
    return setTimeout(() => this.#abandon(timedOut("uploading a manifest", ms)), ms);
  }

  #limitSilence(ms: number): void {
    this.#wire.silenceLimit = { ms, onSilent: () => this.#abandon(silent(ms)) };
  }

  /** Runs a command to its end and returns its rows, copied. */
  async #query(command: string, what: string): Promise<Row[]> {
    this.#begin();
    const ms = this.#commandTimeoutMs;
    const timer = setTimeout(() => this.#abandon(timedOut(what, ms)), ms);
    try {
      return await this.#exchange(command, what);
    } finally {
      clearTimeout(timer);
    }
  }

  async #exchange(command: string, what: string): Promise<Row[]> {
    this.#wire.send(encodeQuery(command));
    const rows: Row[] = [];
    let report: ServerReport | null = null;
    for (;;) {
      const message = await this.#wire.receive();
      switch (message.kind) {
        case "data-row":
          rows.push(message.values.map((value) => (value === null ? null : new Uint8Array(value))));
          break;
        case "error":
          report ??= message.report;
          // After FATAL there is no "ready".
          if (report.severity !== "ERROR") throw serverError(report, "replication", what);
          break;
        case "row-description":
        case "command-complete":
          break;
        case "ready":
          this.#isBusy = false;
          if (report !== null) throw serverError(report, "replication", what);
          return rows;
        default:
          throw unexpected(message.kind);
      }
    }
  }

  #begin(): void {
    if (this.#isBusy) throw new AppError("internal", { message: "a replication session does one thing at a time" });
    this.#isBusy = true;
  }
}

function text(row: Row | undefined, column: number): string {
  const value = row?.[column];
  if (value === null || value === undefined) throw unexpected(`a row without column ${column}`);
  return Buffer.from(value).toString("utf8");
}

/** Every command but a base backup is answered from memory or one small file. */
const defaultCommandTimeoutMs = 60_000;
/** The server reads ahead of what it sends at most one file; an incremental backup reads a whole file to send little. */
const defaultStallLimitMs = 600_000;
/**
 * Before the copy starts the server waits for a checkpoint and, if asked to, counts all bytes, without a word. A fast
 * checkpoint writes all dirty buffers at once; a spread one takes up to checkpoint_timeout, which is a day at most
 * (guc: 30 s … 1 d). That the machine is gone is noticed by TCP keepalive in either.
 */
const startLimitMs = { fast: 3_600_000, spread: 25 * 3_600_000 } as const;

function timedOut(what: string, ms: number): AppError {
  return new AppError("connection-timeout", {
    message: `the server did not answer within ${ms} ms (${what}); the session was ended`,
    hint: "the line stalls or the server hangs",
  });
}

function silent(ms: number): AppError {
  return new AppError("connection-lost", {
    message: `the server sent nothing of the base backup for ${ms} ms; the session was ended`,
    hint: "the line stalls or the server's disk hangs",
  });
}

function connectionAbandoned(): AppError {
  return new AppError("connection-lost", { message: "the session was ended on our side" });
}
