import { setTimeout as delay } from "node:timers/promises";
import type { WalReceiverState } from "@tidemark/engine";
import { AppError, type Clock, type Logger } from "@tidemark/kit";
import type { Metadata, NewWalSegment, WalReceiverReport } from "@tidemark/metadata";
import type { WalClaim } from "./wal-claim.ts";

interface RecorderDeps {
  readonly metadata: Pick<Metadata, "wal" | "walReceivers">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Rows of this server's segments were dropped: they are to be read from its repository again. */
  readonly onMissed: (serverId: string) => void;
}

/** What is known of one receiver, and what of it the metadata knows. */
interface Told {
  readonly claim: WalClaim;
  state: WalReceiverState;
  stateMs: number;
  caughtUpMs: number | null;
  isNew: boolean;
  isUrgent: boolean;
  toldMs: number;
}

/**
 * Writes what receivers learn into the metadata, for all receivers of a worker together. Receiving never waits for it: while the
 * metadata is away states are forgotten but for the newest, and segments and facts wait here. The repository has all
 * of them, so what there is no room for is read from there later.
 */
export class WalRecorder {
  readonly #deps: RecorderDeps;
  readonly #told = new Map<string, Told>();
  readonly #facts: { readonly what: string; readonly write: () => Promise<void> }[] = [];
  #segments: NewWalSegment[] = [];
  readonly #stopping = new AbortController();
  readonly #loop: Promise<void>;

  constructor(deps: RecorderDeps) {
    this.#deps = deps;
    this.#loop = this.#run();
  }

  state(claim: WalClaim, state: WalReceiverState): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const before = this.#told.get(claim.serverId);
    const isSame = before !== undefined && before.claim.fence === claim.fence;
    const isCaughtUp = state.flushedLsn !== null && state.serverLsn !== null && state.flushedLsn >= state.serverLsn;
    const isUrgent = !isSame || before.state.state !== state.state || before.state.error?.code !== state.error?.code;
    this.#told.set(claim.serverId, {
      claim,
      state,
      stateMs: nowMs,
      caughtUpMs: isCaughtUp ? nowMs : isSame ? before.caughtUpMs : null,
      isNew: true,
      isUrgent: isUrgent || (isSame && before.isUrgent),
      toldMs: isSame ? before.toldMs : Number.NEGATIVE_INFINITY,
    });
  }

  segment(row: NewWalSegment): void {
    this.#segments.push(row);
    if (this.#segments.length <= mostSegments) return;
    const dropped = this.#segments.splice(0, mostSegments / 2);
    for (const serverId of new Set(dropped.map((one) => one.serverId))) this.#deps.onMissed(serverId);
  }

  /** Something that is written once, in order, and tried again while the metadata is away. Never throws. */
  fact(what: string, write: () => Promise<void>): void {
    this.#facts.push({ what, write });
  }

  /** The receiver is no more: its last state is told, as far as the metadata can be reached now. */
  async stopped(claim: WalClaim): Promise<void> {
    const told = this.#told.get(claim.serverId);
    if (told !== undefined && told.claim.fence === claim.fence) {
      this.#told.delete(claim.serverId);
      await this.#tell(told).catch(() => undefined);
    }
    await this.#deps.metadata.walReceivers
      .stopped(claim.serverId, claim.fence)
      .catch((error: unknown) => this.#deps.logger.debug({ err: error }, "the end of a receiver was not recorded"));
  }

  /** Writes what is left, once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
    await this.#writeAll().catch((error: unknown) =>
      this.#deps.logger.warn({ err: error }, "not everything of received WAL was recorded; the repository has it"),
    );
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let pauseMs = passEveryMs;
      try {
        await this.#writeAll();
      } catch (error) {
        pauseMs = awayPauseMs;
        this.#deps.logger.warn({ err: error }, "what was received could not be recorded; it is tried again");
      }
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Throws when the metadata is away; what it does not take for another reason is dropped and said. */
  async #writeAll(): Promise<void> {
    for (;;) {
      const [fact] = this.#facts;
      if (fact === undefined) break;
      await this.#attempt(fact.what, fact.write);
      this.#facts.shift();
    }
    while (this.#segments.length > 0) {
      const batch = this.#segments.slice(0, batchSize);
      const isWritten = await this.#attempt("segments", () => this.#deps.metadata.wal.recordSegments(batch));
      // What came meanwhile stands behind them, unless there was no room.
      const written = new Set(batch);
      this.#segments = this.#segments.filter((one) => !written.has(one));
      if (!isWritten) for (const serverId of new Set(batch.map((one) => one.serverId))) this.#deps.onMissed(serverId);
    }
    const nowMs = this.#deps.clock.monotonicMs();
    const due = [...this.#told.values()].filter((told) => isDue(told, nowMs));
    for (let index = 0; index < due.length; index += statesAtOnce) {
      await Promise.all(
        due.slice(index, index + statesAtOnce).map((told) => this.#attempt("state", () => this.#tell(told))),
      );
    }
  }

  async #attempt(what: string, write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (error) {
      if (error instanceof AppError && error.code === "metadata-unreachable") throw error;
      this.#deps.logger.error({ err: error, what }, "something of received WAL could not be recorded");
      return false;
    }
  }

  async #tell(told: Told): Promise<void> {
    const { isUrgent } = told;
    // What changes while it is written is new again.
    Object.assign(told, { isNew: false, isUrgent: false, toldMs: this.#deps.clock.monotonicMs() });
    try {
      await this.#deps.metadata.walReceivers.report(reportOf(told, this.#deps.clock.monotonicMs()));
    } catch (error) {
      Object.assign(told, { isNew: true, isUrgent });
      throw error;
    }
  }
}

function isDue(told: Told, nowMs: number): boolean {
  if (told.isUrgent) return true;
  return nowMs - told.toldMs >= (told.isNew ? changeEveryMs : aliveEveryMs);
}

function reportOf({ claim, state, stateMs, caughtUpMs }: Told, nowMs: number): WalReceiverReport {
  // Nothing new since it was caught up: it still is, as of the last word.
  const { error } = state;
  return {
    serverId: claim.serverId,
    workerId: claim.workerId,
    fence: claim.fence,
    state: state.state,
    systemIdentifier: state.systemIdentifier === null ? null : String(state.systemIdentifier),
    timeline: state.timeline,
    receivedLsn: state.receivedLsn,
    flushedLsn: state.flushedLsn,
    serverLsn: state.serverLsn,
    lastCommit: state.lastCommit,
    lastMessageAt: state.lastMessageAt,
    caughtUpAgoMs: caughtUpMs === null ? null : nowMs - Math.min(caughtUpMs, stateMs),
    reconnects: state.reconnects,
    error: error === null ? null : { code: error.code, message: error.message },
  };
}

const passEveryMs = 250;
const awayPauseMs = 1_000;
/** Positions move all the time; a page that shows them does not need them oftener. */
const changeEveryMs = 1_000;
/** So that a row that is older tells that nobody writes it any more. */
const aliveEveryMs = 5_000;
const statesAtOnce = 4;
const batchSize = 500;
/** Some twenty MiB of rows: three hundred GiB of WAL with segments of 16 MiB. */
const mostSegments = 20_000;
