import type { Clock, ErrorCode, Logger } from "@tidemark/kit";
import type { ConnectionSettings } from "@tidemark/postgres";
import type { ServerArea, WalCommit, WalSegmentFacts, WalSegmentPlace } from "@tidemark/repository";

/** What is received, and how. */
export interface ReceiveWalRequest {
  /**
   * Of the server, or of several hosts that may take its place. The session sets `wal_sender_timeout` and
   * `application_name` itself.
   */
  readonly connection: ConnectionSettings;
  /** A physical slot; made, with reserved WAL, when it is missing. */
  readonly slotName: string;
  /**
   * Whether commits may wait for us. The session's application_name is `tidemark_sync` then and `tidemark_wal` else, so
   * that a name in synchronous_standby_names is a deliberate choice; what arrives is made durable at once.
   *
   * `*` in synchronous_standby_names counts every session that reports what it flushed, ours too: such commits are right
   * in either mode, but wait up to `flushEveryMs` when this is false.
   */
  readonly synchronous: boolean;
  /** With the fence number of the claim; part of the names of pieces. `[a-z0-9_-]{1,40}`. */
  readonly writer: string;
  /** The cluster whose WAL this is; null: the one whose WAL the area has, or the first that answers. */
  readonly systemIdentifier: bigint | null;
  /** Go on in a place of its own when another cluster answers, instead of refusing it with `wal-foreign-server`. */
  readonly allowOtherSystem?: boolean;
  /**
   * How long bytes that are the newest there are may wait to be made durable, when no commit waits for them. 250 ms unless
   * given; seconds where each time is a request to an object store. Nothing while `synchronous`.
   */
  readonly flushEveryMs?: number;
  /** When nothing can be had from a server, its longest pause before the next try. 5,000 ms unless given. */
  readonly longestPauseMs?: number;
}

export type WalReceiverPhase = "connecting" | "streaming" | "catching-up" | "waiting" | "stopped";

/** What is known of a receiver at a moment; positions are null until they are known. */
export interface WalReceiverState {
  /** `catching-up`: more than a segment behind the server. `waiting`: for the next try, after `error`. */
  readonly state: WalReceiverPhase;
  readonly systemIdentifier: bigint | null;
  readonly timeline: number | null;
  readonly receivedLsn: bigint | null;
  /** Durable in the repository, and reported to the server. */
  readonly flushedLsn: bigint | null;
  readonly serverLsn: bigint | null;
  /** The newest one that is durable: not beyond `flushedLsn`. */
  readonly lastCommit: WalCommit | null;
  /** Our clock, when the server was last heard. */
  readonly lastMessageAt: Date | null;
  /** How often it was tried to connect again, whatever came of it. */
  readonly reconnects: number;
  /** Why it waits; null while it streams. */
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string | null } | null;
}

export interface StoredSegment {
  readonly systemIdentifier: bigint;
  readonly place: WalSegmentPlace;
  readonly facts: WalSegmentFacts | null;
  /** Null when the archive did not say. */
  readonly storedBytes: number | null;
  readonly source: "stream";
}

export interface FoundTimeline {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  /** The bytes of its `.history` file; empty for timeline 1, which has none. */
  readonly history: Uint8Array;
}

/**
 * - `slot-missing`: somebody dropped the slot (or the server is another one), and the server removed WAL since.
 * - `slot-lost`: the server gave up the slot's WAL.
 * - `wal-removed`: the slot is there but does not hold what is missing.
 */
export type GapCause = "slot-missing" | "slot-lost" | "wal-removed";

/** WAL that was not received and cannot be had from the server any more. */
export interface WalGap {
  readonly systemIdentifier: bigint;
  /** The timeline of `fromLsn`. */
  readonly timeline: number;
  /** The end of what is durable. */
  readonly fromLsn: bigint;
  /** Where receiving goes on. */
  readonly toLsn: bigint;
  readonly cause: GapCause;
}

export interface ReceiveWalDeps {
  readonly area: Pick<ServerArea, "wal" | "walIdentifiers">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** On each change of `state` or `error` at once, else at most four times a second. Must not throw. */
  readonly onState: (state: WalReceiverState) => void;
  /** After a segment is durable as a whole; also for one that was there already. Twice after a crash. */
  readonly onSegment: (stored: StoredSegment) => Promise<void>;
  /** Before the first byte of a timeline is received, once its history is durable; again after a restart of the receiver. */
  readonly onTimeline: (found: FoundTimeline) => Promise<void>;
  /** Before receiving goes on behind the gap. Again when it dies before anything behind the gap is durable. */
  readonly onGap: (gap: WalGap) => Promise<void>;
  /**
   * Asked before each try to reach the server: throws `lease-lost` when somebody else is to receive now, and the receiver
   * ends with it. `ours`: nobody else may, so an older session that still holds the slot is ended. `unknown` (nobody could
   * be asked): it is tried all the same, but a session that holds the slot may be our successor's and is left alone.
   */
  readonly confirmClaim?: () => Promise<"ours" | "unknown">;
}

export interface ReceiveWalControl {
  /** Makes durable what has been received, reports it, ends the session and returns. */
  readonly signal: AbortSignal;
}
