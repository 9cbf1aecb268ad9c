import { AppError, type Clock, describeError, type Logger } from "@tidemark/kit";
import type { Lsn, WalData, WalStream, WalStreamEvent } from "@tidemark/postgres";
import type { WalArchive } from "@tidemark/repository";
import { FlushTiming } from "./flush-timing.ts";
import { pause } from "./pause.ts";
import type { ReceiveWalRequest, StoredSegment } from "./receive-types.ts";
import type { ReceiverState } from "./receiver-state.ts";
import { SegmentSink } from "./segment-sink.ts";
import { laterLsn, type StartPoint } from "./start-point.ts";
import type { StreamedServer } from "./streamed-server.ts";

export interface TimelineStream {
  readonly request: ReceiveWalRequest;
  readonly server: StreamedServer;
  readonly archive: WalArchive;
  readonly start: StartPoint;
  /** See `tailBefore`. */
  readonly before: Uint8Array | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly state: ReceiverState;
  readonly onSegment: (stored: StoredSegment) => Promise<void>;
  /** Something was received. */
  readonly onReceived: () => void;
  /** Ends streaming in good order. */
  readonly stopSignal: AbortSignal;
  /** Ends this connection at once, for a reason of ours. */
  readonly breakOff: (error: AppError) => void;
}

export type TimelineOutcome =
  | { readonly kind: "stopped" }
  | { readonly kind: "timeline-end"; readonly nextTimeline: number; readonly switchLsn: Lsn };

/**
 * One START_REPLICATION: stores what comes, reports what is durable, until the timeline ends or we are to stop.
 *
 * @throws AppError what the server refused it with (its session goes on), or what ended the session or the storing.
 */
export async function streamTimeline(options: TimelineStream): Promise<TimelineOutcome> {
  const run = new TimelineRun(options);
  return await run.receive();
}

class TimelineRun {
  readonly #options: TimelineStream;
  readonly #stream: WalStream;
  readonly #sink: SegmentSink;
  readonly #timing: FlushTiming;
  #serverLsn: bigint;
  /** What the server waits for until it is durable, and since when. */
  #asked: { readonly lsn: bigint; readonly sinceMs: number } | null = null;
  /** Something was taken as it came, and nobody was told yet. */
  #isTold = true;
  /** Ends what the store does; a connection that ends does not, since what is whole may become durable all the same. */
  readonly #storeAbort = new AbortController();
  /** What the store is at, since when, and how not to wait for it any longer. */
  #storing: { readonly sinceMs: number; readonly giveUp: (error: unknown) => void } | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: TimelineStream) {
    const { request, server, archive, start, clock, onSegment } = options;
    this.#options = options;
    this.#serverLsn = start.startLsn;
    this.#stream = server.session.startReplication({
      slot: request.slotName,
      startLsn: start.startLsn,
      timeline: start.timeline,
      onReplyRequested: (lsn) => this.#serverAsks(lsn),
      takeNow: (data) => this.#takeNow(data),
      whenRoom: () => this.#sink.whenRoom(),
    });
    this.#sink = new SegmentSink({
      archive,
      writer: request.writer,
      major: server.session.major,
      timeline: start.timeline,
      segmentSizeBytes: server.segmentSizeBytes,
      startLsn: start.startLsn,
      before: options.before,
      signal: this.#storeAbort.signal,
      onSegment,
      onChange: () => this.#sinkChanged(),
    });
    this.#timing = new FlushTiming({
      clock,
      synchronous: request.synchronous,
      flushEveryMs: request.flushEveryMs ?? defaultFlushEveryMs,
      segmentSizeBytes: server.segmentSizeBytes,
      flush: () => this.#flush(),
    });
  }

  async receive(): Promise<TimelineOutcome> {
    const { stopSignal } = this.#options;
    if (stopSignal.aborted) return { kind: "stopped" };
    const stop = (): void => void this.#stop();
    const watch = setInterval(() => this.#watch(), watchEveryMs);
    stopSignal.addEventListener("abort", stop, { once: true });
    try {
      this.#report();
      const end = await this.#takeAll();
      this.#timing.stop();
      if (this.#failure !== null) throw this.#failure.error;
      return end === null ? { kind: "stopped" } : await this.#endTimeline(end);
    } catch (error) {
      // What the store failed with is why the session was broken off.
      throw this.#failure?.error ?? this.#sink.failure?.error ?? error;
    } finally {
      this.#timing.stop();
      clearInterval(watch);
      stopSignal.removeEventListener("abort", stop);
      await this.#abandon();
    }
  }

  /** A store that hangs must not see a second writer beside the first; but whoever stops us does not wait for it. */
  async #abandon(): Promise<void> {
    const { stopSignal, state } = this.#options;
    if (this.#failure !== null) state.update({ state: "waiting", error: describeError(this.#failure.error) });
    const abandoned = new AbortController();
    void this.#sink.abandon().then(() => abandoned.abort());
    await pause(forEverMs, AbortSignal.any([abandoned.signal, stopSignal]));
    await pause(stopMs, abandoned.signal);
    this.#storeAbort.abort();
  }

  async #takeAll(): Promise<(WalStreamEvent & { readonly kind: "timeline-end" }) | null> {
    for await (const event of this.#stream.events()) {
      if (event.kind === "timeline-end") return event;
      this.#options.onReceived();
      this.#serverLsn = event.serverLsn;
      if (event.kind === "data") {
        await this.#store(() => this.#sink.take(event.bytes));
        this.#timing.received(this.#sink.receivedLsn, event.serverLsn);
      } else if (this.#asked !== null) this.#timing.serverWaits();
      this.#tell();
    }
    return null;
  }

  /** Most data goes this way: from the socket's buffer into the segment's blocks, without a promise. */
  #takeNow({ bytes, serverLsn }: WalData): number {
    const taken = this.#sink.takeNow(bytes);
    if (taken === 0) return 0;
    this.#serverLsn = serverLsn;
    // What came together is made durable together, and told once.
    if (this.#isTold) queueMicrotask(() => this.#tellTaken());
    this.#isTold = false;
    return taken;
  }

  #tellTaken(): void {
    this.#isTold = true;
    this.#options.onReceived();
    this.#timing.received(this.#sink.receivedLsn, this.#serverLsn);
    this.#tell();
  }

  #tell(): void {
    const { state, clock, server, stopSignal } = this.#options;
    if (stopSignal.aborted) return;
    const isBehind = this.#serverLsn - this.#sink.receivedLsn > BigInt(server.segmentSizeBytes);
    const lastMessageAt = clock.now();
    state.update({ state: isBehind ? "catching-up" : "streaming", error: null, lastMessageAt, ...this.#positions() });
  }

  /** May come while the consumer is busy; what it has not taken yet becomes durable after that. */
  #serverAsks(lsn: bigint): void {
    if (this.#sink.durableLsn >= lsn) return;
    this.#asked = { lsn, sinceMs: this.#asked?.sinceMs ?? this.#options.clock.monotonicMs() };
    this.#timing.serverWaits();
  }

  #positions() {
    const { start, state } = this.#options;
    return {
      timeline: start.timeline,
      receivedLsn: this.#sink.receivedLsn,
      flushedLsn: this.#durableLsn(),
      serverLsn: this.#serverLsn,
      lastCommit: this.#sink.lastCommit ?? state.current.lastCommit,
    };
  }

  /** What an earlier receiver made durable of this segment counts, also while it is received again. */
  #durableLsn(): bigint {
    const { durableLsn } = this.#options.start;
    return laterLsn(this.#sink.durableLsn, durableLsn);
  }

  #report(): void {
    const flushedLsn = this.#durableLsn() as Lsn;
    this.#stream.report({ flushedLsn, writtenLsn: laterLsn(this.#sink.receivedLsn, flushedLsn) as Lsn });
  }

  #sinkChanged(): void {
    if (this.#sink.failure !== null) {
      this.#fail(this.#sink.failure.error);
      return;
    }
    if (this.#asked !== null && this.#sink.durableLsn >= this.#asked.lsn) this.#asked = null;
    this.#report();
    this.#options.state.update(this.#positions());
  }

  async #flush(): Promise<void> {
    try {
      await this.#sink.flush();
      this.#sinkChanged();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = { error };
    this.#storing?.giveUp(error);
    this.#options.breakOff(
      error instanceof AppError ? error : new AppError("internal", { message: String(error), cause: error }),
    );
  }

  async #store(act: () => Promise<void>): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#storing = { sinceMs: this.#options.clock.monotonicMs(), giveUp: reject };
    act().then(resolve, reject);
    try {
      await promise;
    } finally {
      this.#storing = null;
    }
  }

  /**
   * A server waits, when it shuts down, until all is durable. While the store cannot keep up with that we hang up: the slot
   * keeps what is missing, and it is received again when the server is back.
   */
  #watch(): void {
    const now = this.#options.clock.monotonicMs();
    if (this.#asked !== null && now - this.#asked.sinceMs > serverWaitsMs) this.#fail(tooSlow(serverWaitsMs));
    if (this.#storing !== null && now - this.#storing.sinceMs > storeStallMs) this.#fail(tooSlow(storeStallMs));
  }

  /** What has arrived becomes durable first; but not for ever. */
  async #stop(): Promise<void> {
    const timer = setTimeout(() => this.#fail(tooSlow(stopMs)), stopMs);
    await this.#flush();
    await this.#stream.stop();
    clearTimeout(timer);
  }

  /** Bytes beyond the switch are of a record that never became whole: they belong to nothing, and do no harm. */
  async #endTimeline(end: WalStreamEvent & { readonly kind: "timeline-end" }): Promise<TimelineOutcome> {
    await this.#sink.endTimeline();
    this.#options.state.update(this.#positions());
    return end;
  }
}

/** Half of what was committed in a blink, and one sync of the disk at most four times a second. */
const defaultFlushEveryMs = 250;
const watchEveryMs = 100;
/** A shutdown is to be delayed by less than two seconds. */
const serverWaitsMs = 1_500;
/** The server's question may lie behind what the store does not take, so it is let go; what is under way is waited for. */
const storeStallMs = 10_000;
const stopMs = 5_000;
/** What a timer can wait at most. */
const forEverMs = 2 ** 31 - 1;

function tooSlow(ms: number): AppError {
  return new AppError("storage-unreachable", {
    message: `the repository did not make WAL durable within ${ms} ms; the server was let go`,
    hint: "the server's slot keeps what is missing; it is received as soon as the repository takes it",
  });
}
