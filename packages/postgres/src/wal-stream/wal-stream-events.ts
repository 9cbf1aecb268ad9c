import type { Lsn } from "../files/lsn.ts";

/** A piece of WAL as it came. */
export interface WalData {
  /** The place of the first byte; always the end of the data before. */
  readonly startLsn: Lsn;
  /** How far the server could send when it sent the last of these bytes. */
  readonly serverLsn: Lsn;
  /** The server's clock when it sent them. */
  readonly sentAt: Date;
  readonly bytes: Uint8Array;
}

/** Where streaming begins. */
export interface ReplicationStart {
  /** The physical slot that is streamed from; null: none, and the server may remove WAL before it was sent. */
  readonly slot: string | null;
  /** The first byte wanted; the start of a segment, unless the bytes before it are held by the caller. */
  readonly startLsn: Lsn;
  readonly timeline: number;
  /**
   * Called as soon as the server asks for an answer, also while the consumer is busy, with the end of what was received by
   * then: a server that shuts down waits until that is reported as flushed.
   */
  readonly onReplyRequested?: (receivedLsn: Lsn) => void;
  /**
   * Offered data as soon as it comes, while the consumer waits for the next event and none is due before: how many of the
   * bytes it took, the first ones. They are not to be kept, and it must not throw. What it does not take becomes an event.
   */
  readonly takeNow?: (data: WalData) => number;
  /**
   * Settles when `takeNow` may take more of what it did not take; null: it will not. Then, and when it does not settle soon,
   * the rest becomes an event, so that messages behind it are still seen. Must not reject.
   */
  readonly whenRoom?: () => Promise<void> | null;
}

export type WalStreamEvent =
  /** Its bytes are valid until the next event is pulled: at most 128 KiB. */
  | (WalData & { readonly kind: "data" })
  | {
      readonly kind: "keepalive";
      readonly serverLsn: Lsn;
      readonly sentAt: Date;
      /**
       * The server waits for an answer. The stream has given one, with the positions reported last; a server that shuts
       * down waits until all it sent is reported as flushed.
       */
      readonly replyRequested: boolean;
    }
  | {
      /** The last event: the timeline ended here and the session can be used again. */
      readonly kind: "timeline-end";
      readonly nextTimeline: number;
      /** The first byte that belongs to the next timeline; bytes of this one beyond it are of no use. */
      readonly switchLsn: Lsn;
    };

/** What has become of the bytes; sent to the server. */
export interface StandbyStatus {
  readonly writtenLsn: Lsn;
  /** Never more than what is durable: the server forgets WAL, and releases synchronous commits, up to here. */
  readonly flushedLsn: Lsn;
  /** Have the server answer with a keepalive. */
  readonly replyRequested?: boolean;
}

/** A running START_REPLICATION; made by `ReplicationSession.startReplication`. */
export interface WalStream {
  /**
   * Starts when the first event is pulled; may be called once. Ends after `timeline-end`, or after `stop`.
   *
   * Up to 512 KiB is read ahead while the consumer is busy; beyond that the server is slowed down. Leaving early ends the
   * session.
   *
   * @throws AppError `wal-removed`, `slot-in-use`, `slot-missing`, `slot-lost`, `wal-history-diverged`,
   * `wal-ahead-of-server`: the session can be used again. `server-shutting-down`, `connection-lost`, `protocol-violation`,
   * `cancelled`: it has ended.
   */
  events(): AsyncIterable<WalStreamEvent>;
  /** Tells the server at once, and again every two seconds and whenever it asks. */
  report(status: StandbyStatus): void;
  /** Ends streaming; what comes until the server agrees is dropped. The session can be used again when it resolves. */
  stop(): Promise<void>;
}
