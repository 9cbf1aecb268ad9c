import { AppError, type Clock, type Logger } from "@tidemark/kit";
import { formatLsn, type Lsn, walSegmentStart } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { closePartial } from "./close-partial.ts";
import { storeHistories } from "./follow-history.ts";
import { createSlot, endOldSender, replaceSlot, type SlotContext, slotRestartLsn } from "./hold-slot.ts";
import { pause } from "./pause.ts";
import { readReach } from "./read-reach.ts";
import type { GapCause, ReceiveWalDeps, ReceiveWalRequest } from "./receive-types.ts";
import type { ReceiverState } from "./receiver-state.ts";
import { chooseStart, type StartPoint, timelineAt, withinServer } from "./start-point.ts";
import { streamTimeline, type TimelineOutcome } from "./stream-timeline.ts";
import {
  assertSameSystem,
  connectForStreaming,
  identifyAgain,
  type StreamedServer,
  walSenderTimeoutMs,
} from "./streamed-server.ts";
import { tailBefore } from "./tail-before.ts";

/** What a receiver remembers from one connection to the next. */
export class ReceiverMemory {
  systemIdentifier: bigint | null;
  /** Timelines whose history is stored and was told. */
  readonly told = new Set<number>();
  /** Ends of whole segments by timeline. */
  readonly known = new Map<number, bigint>();
  /** The server once was before what is stored: from here on it is received again and compared. */
  recheckFrom: bigint | null = null;

  constructor(systemIdentifier: bigint | null) {
    this.systemIdentifier = systemIdentifier;
  }
}

export interface SessionOptions {
  readonly deps: ReceiveWalDeps;
  readonly request: ReceiveWalRequest;
  readonly state: ReceiverState;
  readonly memory: ReceiverMemory;
  /** Nobody else may receive from this server: an older session that holds the slot is ended. */
  readonly isClaimSure: boolean;
  readonly onReceived: () => void;
  readonly stopSignal: AbortSignal;
}

/** Connects and receives until it is told to stop. Throws what the connection ended with. */
export async function receiveSession(options: SessionOptions): Promise<void> {
  const abort = new AbortController();
  const stopEarly = (): void => abort.abort(options.stopSignal.reason);
  // Until streaming begins there is nothing to end in good order.
  options.stopSignal.addEventListener("abort", stopEarly, { once: true });
  const { logger } = options.deps;
  const server = await connectForStreaming(options.request, { signal: abort.signal, logger });
  try {
    const session = await ReceiveSession.open(options, server, abort);
    options.stopSignal.removeEventListener("abort", stopEarly);
    if (!options.stopSignal.aborted) await session.run();
  } finally {
    options.stopSignal.removeEventListener("abort", stopEarly);
    await server.session.close();
  }
}

class ReceiveSession {
  readonly #options: SessionOptions;
  #server: StreamedServer;
  readonly #abort: AbortController;
  readonly #archive: WalArchive;
  readonly #slot: SlotContext;
  readonly #logger: Logger;
  /** What became of the slot in this session, for who asks why there is a gap. */
  #slotCause: GapCause = "wal-removed";
  #hasReceived = false;

  private constructor(options: SessionOptions, server: StreamedServer, abort: AbortController) {
    this.#options = options;
    this.#server = server;
    this.#abort = abort;
    this.#archive = options.deps.area.wal(server.systemIdentifier);
    this.#logger = options.deps.logger;
    this.#slot = { request: options.request, server, signal: abort.signal, logger: options.deps.logger };
  }

  static async open(options: SessionOptions, server: StreamedServer, abort: AbortController): Promise<ReceiveSession> {
    const { deps, request, state, memory } = options;
    const { systemIdentifier: found, timeline, flushLsn } = server;
    await assertSameSystem(deps.area, request, { expected: memory.systemIdentifier, found });
    if (memory.systemIdentifier !== found) {
      memory.systemIdentifier = found;
      memory.told.clear();
      memory.known.clear();
      memory.recheckFrom = null;
    }
    const { systemIdentifier, timeline: before } = state.current;
    const isOther = before !== null && (before !== timeline || systemIdentifier !== found);
    // What is durable of one timeline says nothing about another: behind a failover it would look like no loss at all.
    const unknown = isOther ? { receivedLsn: null, flushedLsn: null, lastCommit: null } : {};
    state.update({ systemIdentifier: found, timeline, serverLsn: flushLsn, ...unknown });
    return new ReceiveSession(options, server, abort);
  }

  async run(): Promise<void> {
    const { deps, memory } = this.#options;
    await storeHistories(this.#server, this.#archive, memory.told, deps.onTimeline);
    let start = await this.#findStart();
    for (;;) {
      const outcome = await this.#streamFrom(start);
      if (outcome.kind === "stopped") return;
      const { nextTimeline, switchLsn } = outcome;
      this.#logger.info(
        { timeline: start.timeline, nextTimeline, switchLsn: formatLsn(switchLsn) },
        "a timeline ended",
      );
      // Its history may go on beyond the next timeline already.
      this.#server = await identifyAgain(this.#server);
      await storeHistories(this.#server, this.#archive, memory.told, deps.onTimeline);
      const startLsn = walSegmentStart(switchLsn, this.#server.segmentSizeBytes);
      start = { timeline: nextTimeline, startLsn, durableLsn: switchLsn };
    }
  }

  async #findStart(): Promise<StartPoint> {
    const { memory } = this.#options;
    const { segmentSizeBytes } = this.#server;
    const reaches = await readReach(this.#archive, this.#server, segmentSizeBytes, memory.known);
    const chosen = chooseStart(reaches, this.#server, segmentSizeBytes);
    if (chosen === null) return await this.#startAnew();
    const start = withinServer(chosen, this.#server);
    const [newest] = reaches;
    if (newest !== undefined && newest.timeline !== start.timeline) await this.#closeTimeline(newest.timeline);
    if (memory.recheckFrom === null || memory.recheckFrom >= start.startLsn) return start;
    return this.#startAt(memory.recheckFrom as Lsn);
  }

  async #closeTimeline(timeline: number): Promise<void> {
    const partial = await this.#archive.partial(timeline);
    if (partial === null || partial.ended) return;
    const { writer } = this.#options.request;
    await closePartial(this.#archive, partial, { writer, signal: this.#abort.signal });
  }

  /** With what the slot holds, or where the server is when that is not known. */
  async #startAnew(): Promise<StartPoint> {
    if (await createSlot(this.#slot)) this.#slotCause = "slot-missing";
    return this.#startAt((await slotRestartLsn(this.#slot)) ?? this.#server.flushLsn);
  }

  #startAt(lsn: Lsn): StartPoint {
    const startLsn = walSegmentStart(lsn, this.#server.segmentSizeBytes);
    return { timeline: timelineAt(this.#server, lsn), startLsn, durableLsn: startLsn };
  }

  /** Mends what can be mended of the slot, and goes on behind a gap where WAL is gone. */
  async #streamFrom(wanted: StartPoint): Promise<TimelineOutcome> {
    const patience = new SlotPatience(this.#options.deps.clock);
    let start = wanted;
    for (let mended = 0; ; mended++) {
      try {
        return await this.#stream(start);
      } catch (error) {
        // A stream that had begun has moved on; where to begin again is asked of the archive.
        if (!(error instanceof AppError) || this.#hasReceived || this.#abort.signal.aborted) throw error;
        if (error.code === "slot-in-use") await this.#waitForSlot(error, patience);
        else if (mended >= mendLimit) throw error;
        else if (error.code === "wal-removed") start = await this.#skipGap(start, mended);
        else await this.#mendSlot(error);
      }
    }
  }

  async #mendSlot(error: AppError): Promise<void> {
    if (error.code === "slot-missing") {
      this.#slotCause = "slot-missing";
      await createSlot(this.#slot);
    } else if (error.code === "slot-lost") {
      this.#slotCause = "slot-lost";
      await replaceSlot(this.#slot);
    } else {
      if (error.code === "wal-ahead-of-server") this.#recheckLater();
      throw error;
    }
  }

  #recheckLater(): void {
    const { memory } = this.#options;
    const from = walSegmentStart(this.#server.flushLsn, this.#server.segmentSizeBytes);
    if (memory.recheckFrom === null || from < memory.recheckFrom) memory.recheckFrom = from;
  }

  /** The server has no WAL from `start` on any more: where it has some again. */
  async #skipGap(start: StartPoint, mended: number): Promise<StartPoint> {
    const { deps } = this.#options;
    let held = await slotRestartLsn(this.#slot);
    if (held === null) {
      // One that holds nothing would let the same happen again.
      this.#slotCause = this.#slotCause === "wal-removed" ? "slot-lost" : this.#slotCause;
      await replaceSlot(this.#slot);
      held = await slotRestartLsn(this.#slot);
    }
    this.#server = await identifyAgain(this.#server);
    const isOfUse = held !== null && held > start.startLsn && mended < mendLimit - 1;
    const next = this.#startAt(isOfUse ? (held as Lsn) : this.#server.flushLsn);
    await deps.onGap({
      systemIdentifier: this.#server.systemIdentifier,
      timeline: start.timeline,
      fromLsn: start.durableLsn,
      toLsn: next.startLsn,
      cause: this.#slotCause,
    });
    this.#logger.warn({ from: formatLsn(start.durableLsn), to: formatLsn(next.startLsn) }, "WAL is missing for ever");
    return next;
  }

  /** Until the server itself would have given the slot free. */
  async #waitForSlot(error: AppError, patience: SlotPatience): Promise<void> {
    if (!this.#options.isClaimSure || patience.isOver) throw error;
    if (patience.mayEnd()) await endOldSender(this.#slot);
    await pause(slotPollMs, this.#options.stopSignal);
    if (this.#options.stopSignal.aborted) throw error;
  }

  async #stream(start: StartPoint): Promise<TimelineOutcome> {
    const { deps, request, state, memory, stopSignal } = this.#options;
    this.#hasReceived = false;
    const { signal } = this.#abort;
    const before = await tailBefore(this.#archive, start, this.#server, { signal, logger: deps.logger });
    return await streamTimeline({
      request,
      server: this.#server,
      archive: this.#archive,
      start,
      before,
      clock: deps.clock,
      logger: deps.logger,
      state,
      onSegment: async (stored) => {
        const { timeline, startLsn, sizeBytes } = stored.place;
        memory.known.set(timeline, startLsn + BigInt(sizeBytes));
        await deps.onSegment(stored);
      },
      onReceived: () => {
        this.#hasReceived = true;
        this.#options.onReceived();
      },
      stopSignal,
      breakOff: (error) => this.#abort.abort(error),
    });
  }
}

/** How long one waits for a slot that another session holds, and how often that session may be ended. */
class SlotPatience {
  readonly #clock: Clock;
  readonly #sinceMs: number;
  #endedAtMs = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#sinceMs = clock.monotonicMs();
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs > walSenderTimeoutMs + 2_000;
  }

  mayEnd(): boolean {
    const now = this.#clock.monotonicMs();
    if (now - this.#endedAtMs < endEveryMs) return false;
    this.#endedAtMs = now;
    return true;
  }
}

/** A slot made anew, WAL that is gone, WAL that went meanwhile: more than that in one session is another trouble. */
const mendLimit = 4;
const slotPollMs = 100;
const endEveryMs = 2_000;
