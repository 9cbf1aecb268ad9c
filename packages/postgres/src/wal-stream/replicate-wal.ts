import { AppError, type Clock } from "@tidemark/kit";
import { connectionLost } from "../connection/byte-source.ts";
import { formatLsn, type Lsn, noLsn, parseLsn } from "../files/lsn.ts";
import { serverError } from "../session/server-error.ts";
import { unexpected, type WireSession } from "../session/wire-session.ts";
import type { BackendMessage, ServerReport } from "../wire/backend-messages.ts";
import { encodeCopyData, encodeCopyDone, encodeQuery, quoteIdentifier } from "../wire/frontend-messages.ts";
import { decodeWalMessage, encodeStandbyStatus, type WalMessage } from "./wal-messages.ts";
import { WalReadAhead } from "./wal-read-ahead.ts";
import type { ReplicationStart, StandbyStatus, WalData, WalStream, WalStreamEvent } from "./wal-stream-events.ts";

/** What the session does around a stream. */
export interface StreamTurn {
  /** Takes the session; called when the first event is pulled. */
  readonly begin: () => void;
  /** Streaming is over and the session can be used again. */
  readonly done: () => void;
  /** It failed or was left: the session is of no more use. */
  readonly abandon: (error: AppError) => void;
  readonly clock: Clock;
}

/**
 * States: idle → starting (the command is sent) → copying → stopping (the copy ended, or will) → over. One loop reads
 * the socket from the first pull on, whether or not the consumer is busy: it answers the server and fills the
 * read-ahead.
 */
export class ReplicatedWal implements WalStream {
  readonly #wire: WireSession;
  readonly #start: ReplicationStart;
  readonly #turn: StreamTurn;
  readonly #ahead = new WalReadAhead();
  readonly #over = Promise.withResolvers<void>();
  #status: StandbyStatus;
  #position: Lsn;
  #state: "idle" | "starting" | "copying" | "stopping" | "over" = "idle";
  #timer: NodeJS.Timeout | undefined;
  #heardSinceReport = true;
  #lastData: (WalMessage & { readonly kind: "data" }) | null = null;

  constructor(wire: WireSession, start: ReplicationStart, turn: StreamTurn) {
    this.#wire = wire;
    this.#start = start;
    this.#turn = turn;
    this.#position = start.startLsn;
    this.#status = { writtenLsn: noLsn, flushedLsn: noLsn };
  }

  async *events(): AsyncGenerator<WalStreamEvent, void, undefined> {
    this.#turn.begin();
    this.#state = "starting";
    this.#wire.send(encodeQuery(startCommand(this.#start)));
    this.#wire.silenceLimit = { ms: silenceLimitMs, onSilent: () => this.#turn.abandon(silent()) };
    const reading = this.#readAll();
    let isLeft = true;
    try {
      for (;;) {
        const event = await this.#ahead.next();
        if (event === null) break;
        yield event;
      }
      isLeft = false;
    } catch (error) {
      isLeft = false;
      throw error;
    } finally {
      if (isLeft) this.#leave();
      await reading;
    }
  }

  report(status: StandbyStatus): void {
    this.#status = status;
    if (this.#state === "copying") this.#sendStatus(status.replyRequested ?? false);
  }

  async stop(): Promise<void> {
    if (this.#state === "idle" || this.#state === "over") return;
    this.#endCopy();
    this.#ahead.discard();
    await this.#over.promise;
  }

  #leave(): void {
    this.#ahead.discard();
    if (this.#state !== "over") this.#turn.abandon(connectionLost());
  }

  /** Never throws: what went wrong is for who pulls the events. */
  async #readAll(): Promise<void> {
    try {
      const end = await this.#copy();
      this.#finish();
      this.#ahead.end(end ?? undefined);
    } catch (error) {
      if (isRefusal(error)) this.#finish();
      else {
        this.#state = "over";
        this.#turn.abandon(error instanceof AppError ? error : connectionLost(error));
      }
      this.#ahead.fail(error);
    } finally {
      clearInterval(this.#timer);
      this.#over.resolve();
    }
  }

  #finish(): void {
    this.#state = "over";
    clearInterval(this.#timer);
    this.#wire.silenceLimit = null;
    this.#wire.cutsCopyData = false;
    this.#turn.done();
  }

  /** From the answer to the command to ReadyForQuery. Null: we ended it. */
  async #copy(): Promise<(WalStreamEvent & { readonly kind: "timeline-end" }) | null> {
    const first = await this.#wire.receive();
    // Asked for exactly where a historic timeline ends, the server has nothing to copy and says at once what is next.
    if (first.kind === "row-description") return await this.#readEnd();
    if (first.kind === "error") throw await this.#refused(first.report);
    if (first.kind !== "copy-both") throw unexpected(first.kind);
    if (this.#state === "stopping") this.#wire.send(encodeCopyDone());
    else this.#state = "copying";
    this.#timer = setInterval(() => this.#keepInTouch(), reportEveryMs);
    this.#wire.cutsCopyData = true;
    for (;;) {
      // What was read already is taken without a promise for each message.
      const message = this.#wire.receiveNow() ?? (await this.#wire.receive());
      switch (message.kind) {
        case "copy-data": {
          const waiting = this.#take(message.payload, message.isContinued === true);
          if (waiting !== null) await waiting;
          break;
        }
        case "copy-done":
          this.#endCopy();
          return await this.#readEnd();
        case "error":
          throw await this.#refused(message.report);
        case "command-complete":
          // walsender.c, WalSndDone: a server that shuts down says that the copy is complete and goes.
          throw shuttingDown();
        default:
          throw unexpected(message.kind);
      }
    }
  }

  /** Null: taken at once. A promise: there is no room for it yet. `isContinued`: more of the data message before. */
  #take(payload: Uint8Array, isContinued: boolean): Promise<void> | null {
    this.#heardSinceReport = true;
    if (this.#state !== "copying") return null;
    const message = isContinued ? this.#continued(payload) : decodeWalMessage(payload);
    if (message.kind === "data") return this.#takeData(message);
    if (message.replyRequested) {
      this.#sendStatus(false);
      this.#start.onReplyRequested?.(this.#position);
    }
    return this.#ahead.add(message);
  }

  #takeData(message: WalMessage & { readonly kind: "data" }): Promise<void> | null {
    const { startLsn, bytes } = message;
    if (startLsn !== this.#position) throw outOfPlace(startLsn, this.#position);
    this.#lastData = message;
    this.#position = (startLsn + BigInt(bytes.length)) as Lsn;
    const taken = this.#takeNow(message);
    return taken === bytes.length ? null : this.#takeRest(restOf(message, taken));
  }

  #takeNow(data: WalData): number {
    const { takeNow } = this.#start;
    return takeNow === undefined || !this.#ahead.isAwaited ? 0 : takeNow(data);
  }

  /** A consumer that is only busy gets its bytes without a copy. */
  async #takeRest(rest: WalMessage & { readonly kind: "data" }): Promise<void> {
    let data = rest;
    for (;;) {
      const room = this.#ahead.isAwaited ? (this.#start.whenRoom?.() ?? null) : null;
      if (room === null || !(await settlesWithin(room, busyMs))) break;
      if (this.#state !== "copying") return;
      data = restOf(data, this.#takeNow(data));
      if (data.bytes.length === 0) return;
    }
    await this.#ahead.add(data);
  }

  #continued(bytes: Uint8Array): WalMessage {
    if (this.#lastData === null) throw unexpected("the rest of nothing");
    return { ...this.#lastData, startLsn: this.#position, bytes };
  }

  /** What follows the copy: the next timeline, when this one has ended, and the end of the command. */
  async #readEnd(): Promise<(WalStreamEvent & { readonly kind: "timeline-end" }) | null> {
    let end: (WalStreamEvent & { readonly kind: "timeline-end" }) | null = null;
    for (;;) {
      const message: BackendMessage = await this.#wire.receive();
      switch (message.kind) {
        case "data-row": {
          const [timeline, switchLsn] = message.values.map((value) => Buffer.from(value ?? []).toString("latin1"));
          end = { kind: "timeline-end", nextTimeline: Number(timeline), switchLsn: parseLsn(switchLsn ?? "") };
          break;
        }
        case "error":
          throw await this.#refused(message.report);
        case "ready":
          return end;
        case "row-description":
        case "command-complete":
        case "copy-done":
        case "copy-data":
          break;
        default:
          throw unexpected(message.kind);
      }
    }
  }

  /** After ERROR the session goes on, once the server is ready; after FATAL there is no "ready". */
  async #refused(report: ServerReport): Promise<AppError> {
    const { startLsn, timeline } = this.#start;
    const what = `streaming timeline ${timeline} from ${formatLsn(startLsn)}`;
    const error = this.#errorOf(report, what);
    if (report.severity !== "ERROR") return error;
    while ((await this.#wire.receive()).kind !== "ready");
    refusals.add(error);
    return error;
  }

  #errorOf(report: ServerReport, what: string): AppError {
    const { slot, timeline } = this.#start;
    const error = serverError(report, "replication", what, { slot: slot ?? undefined, timeline });
    // walsender.c, StartReplication has one SQLSTATE for both: another history is told before the copy, this within it.
    if (error.code !== "wal-history-diverged" || this.#state === "starting") return error;
    return new AppError("wal-ahead-of-server", {
      message: error.message,
      hint: "the server lags behind what is stored, as a standby may; or it lost WAL it had sent",
      context: error.context,
    });
  }

  #endCopy(): void {
    if (this.#state === "copying") this.#wire.send(encodeCopyDone());
    this.#state = "stopping";
  }

  /** A silent line and an idle server look the same; so the server is asked for a word when it had none. */
  #keepInTouch(): void {
    if (this.#state !== "copying") return;
    this.#sendStatus(!this.#heardSinceReport);
    this.#heardSinceReport = false;
  }

  #sendStatus(replyRequested: boolean): void {
    const bytes = encodeStandbyStatus({ ...this.#status, replyRequested }, this.#turn.clock.now());
    this.#wire.send(encodeCopyData(bytes));
  }
}

function restOf(data: WalMessage & { readonly kind: "data" }, taken: number): WalMessage & { readonly kind: "data" } {
  return { ...data, startLsn: (data.startLsn + BigInt(taken)) as Lsn, bytes: data.bytes.subarray(taken) };
}

/** False when it takes longer. */
async function settlesWithin(settling: Promise<void>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms);
  void settling.then(() => resolve(true));
  const hasSettled = await promise;
  clearTimeout(timer);
  return hasSettled;
}

/** Longer than blocks take to be compressed and written, and nothing to a server that waits for an answer. */
const busyMs = 50;

/** Errors after which the server was ready for the next command. */
const refusals = new WeakSet<AppError>();

function isRefusal(error: unknown): boolean {
  return error instanceof AppError && refusals.has(error);
}

function startCommand({ slot, startLsn, timeline }: ReplicationStart): string {
  const from = slot === null ? "" : `SLOT ${quoteIdentifier(slot)} `;
  return `START_REPLICATION ${from}PHYSICAL ${formatLsn(startLsn)} TIMELINE ${timeline}`;
}

/** A fifth of the shortest wal_sender_timeout anybody should use (10 s), so that a late one does no harm. */
const reportEveryMs = 2_000;
/** The server was asked for a word three times. */
const silenceLimitMs = 7_000;

function silent(): AppError {
  return new AppError("connection-lost", {
    message: `the server sent nothing for ${silenceLimitMs} ms although it was asked; the session was ended`,
    hint: "the line stalls or the server hangs",
  });
}

function shuttingDown(): AppError {
  return new AppError("server-shutting-down", {
    message: "the server ended the WAL stream because it shuts down",
    hint: "streaming goes on when it is back",
  });
}

function outOfPlace(sent: Lsn, expected: Lsn): AppError {
  return new AppError("protocol-violation", {
    message: `the server sent WAL from ${formatLsn(sent)} where ${formatLsn(expected)} was due`,
  });
}
