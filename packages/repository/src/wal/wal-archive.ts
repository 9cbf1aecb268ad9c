/**
 * The WAL archive of one cluster incarnation of one server (docs/repository-format.md §10): whole segments, history files,
 * and what there is of a segment in the making. Nothing in it is ever overwritten; other bytes under a name that is taken
 * are `wal-conflict`.
 */
export interface WalArchive {
  readonly systemIdentifier: bigint;
  /** A writer of one segment from its first byte. Throws `bad-request` for a place or writer name that cannot be. */
  beginSegment(place: WalSegmentPlace, options: BeginSegment): Promise<WalSegmentWriter>;
  /**
   * Stores a whole segment from elsewhere. `same`: the same plain bytes are there already. Other bytes: `wal-conflict`. A
   * body of another length than the segment's: `wal-invalid`.
   */
  putSegment(
    place: WalSegmentPlace,
    body: AsyncIterable<Uint8Array>,
    facts: WalSegmentFacts | null,
    options?: PutSegmentOptions,
  ): Promise<"stored" | "same">;
  /** A timeline's history file. Never overwritten: `wal-conflict`. */
  putHistory(timeline: number, content: Uint8Array): Promise<"stored" | "same">;
  /** A `.backup` file, or the `<segment>.partial` of a promoted server's archiver, under its own name. Otherwise as `putHistory`. */
  putFile(name: string, content: Uint8Array): Promise<"stored" | "same">;
  /** By timeline, then by name. From one listing: nothing is opened. */
  list(options?: ListWal): AsyncIterable<WalEntry>;
  /** Timelines that have anything here, ascending. */
  timelines(): Promise<readonly number[]>;
  /** What the end of a segment says; null when it is not there. Throws `wal-damaged`. */
  describe(name: string): Promise<WalSegmentDescription | null>;
  /**
   * Plain bytes of a segment (all of `sizeBytes`, trailing zeros included), history or file, each piece checked before it is
   * given out, the whole before the end. Throws `wal-missing` (it is not there), `wal-damaged`, or what the store says when
   * it could not be asked (`storage-*`). The chunks are the caller's, unless lent.
   */
  read(name: string, options?: ReadWal): AsyncIterable<Uint8Array>;
  /** Whether a segment, history or file of this name is there, whole. Asks the store once; opens nothing. */
  has(name: string): Promise<boolean>;
  /**
   * What there is under a name (of `<segment>.partial`: all its pieces) lasts when this resolves. Whoever wrote it may have
   * died between the writing and the sync; so before anybody is told that it is durable for no other reason than that it is
   * there, this is to be asked for.
   */
  settle(name: string): Promise<void>;
  /**
   * The newest segment of a timeline that is not stored whole and of which there is something; null: there is none.
   * Throws `wal-conflict`, naming the LSN, when two writers' bytes of it differ.
   */
  partial(timeline: number): Promise<WalPartial | null>;
  /** The same of one segment. */
  partialOf(place: WalSegmentPlace): Promise<WalPartial | null>;
  /**
   * Where pieces beside a whole segment say something else than it does: they are no part of any restore, and stay as evidence
   * of a second writer. Null: nowhere, or it is not whole. Reads all of both.
   */
  contradiction(place: WalSegmentPlace): Promise<WalContradiction | null>;
  /**
   * Removes whole segments and what there is of them in pieces, a few at a time, oldest first: what is left after a crash
   * has no holes but among the last few that were to go.
   */
  removeSegments(places: readonly WalSegmentPlace[], options?: RemoveWal): Promise<WalRemoval>;
  /** Removes everything of a timeline; its history last. */
  removeTimeline(timeline: number, options?: RemoveWal): Promise<WalRemoval>;
}

/** `startLsn` is a multiple of `sizeBytes`, which is a power of two from 1 MiB to 1 GiB. */
export interface WalSegmentPlace {
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly sizeBytes: number;
}

/** What a reader of the records found; null, or empty, where the segment was not read. Times are of the server's clock. */
export interface WalSegmentFacts {
  readonly firstCommit: WalCommit | null;
  readonly lastCommit: WalCommit | null;
  readonly commitCount: number;
  readonly restorePoints: readonly WalRestorePoint[];
  /** `spcOid/dbOid/relNumber` of each relation that a record refers to; null: too many to list (over 500). */
  readonly relations: readonly string[] | null;
  /** End of the last whole record that ends in this segment; null: none does, or it is not known. */
  readonly lastRecordEnd: bigint | null;
  /**
   * Limits that the server was started with here, the highest of each: whoever replays this must not undercut them. Null:
   * it was not started with others; left out: nobody looked.
   */
  readonly limits?: WalLimits | null;
}

/** Settings of a server that a recovery of its WAL must not undercut (xl_parameter_change). */
export interface WalLimits {
  readonly maxConnections: number;
  readonly maxWorkerProcesses: number;
  readonly maxWalSenders: number;
  readonly maxPreparedTransactions: number;
  readonly maxLocksPerTransaction: number;
}

export interface WalCommit {
  readonly at: Date;
  /** End of the commit record. */
  readonly lsn: bigint;
  readonly xid: number;
}

export interface WalRestorePoint {
  readonly name: string;
  readonly at: Date;
  /** End of its record. */
  readonly lsn: bigint;
}

export interface BeginSegment {
  /** Who writes, with the fence number of its claim: part of the names of pieces. `[a-z0-9_-]{1,40}`. */
  readonly writer: string;
  readonly signal?: AbortSignal;
}

export interface PutSegmentOptions {
  readonly signal?: AbortSignal;
  /** As of `beginSegment`. Default: `put`. */
  readonly writer?: string;
}

/**
 * Writes one segment, box by box as it arrives. One act at a time: `write` and `finish` follow each other, `flush` may be
 * called while a `write` waits. After a throw the writer is of no use but for `abandon`; what was flushed is safe.
 */
export interface WalSegmentWriter {
  readonly place: WalSegmentPlace;
  /** The next byte expected. */
  readonly endLsn: bigint;
  /** Up to here everything is durable in the repository. */
  readonly flushedLsn: bigint;
  /** Takes the next bytes; copies what it keeps. Waits when the encoders or the store are behind. Beyond the segment: `bad-request`. */
  write(bytes: Uint8Array): Promise<void>;
  /**
   * The same of as many bytes as there is room for at once: how many, from the first one on. None where something is wrong,
   * which `write` says. Not while a `write` waits.
   */
  writeNow(bytes: Uint8Array): number;
  /** Settles when there is room again, or something is wrong; null: there is some. Never rejects. */
  whenRoom(): Promise<void> | null;
  /** Everything written before the call is durable when this resolves; up to where. Calls that wait together are one act. */
  flush(): Promise<bigint>;
  /** All bytes are there: resolves when the whole segment is durable, and its pieces are gone. `wal-conflict`: other bytes are there. */
  finish(facts: WalSegmentFacts | null): Promise<"stored" | "same">;
  /** The timeline ended here: what there is becomes the partial of this timeline, durable and never taken for a whole segment. */
  finishPartial(): Promise<void>;
  /** Gives up. What was flushed stays. Never throws for what could not be tidied up. */
  abandon(): Promise<void>;
}

export interface ListWal {
  /** Only this timeline. */
  readonly timeline?: number;
  /** Only segments that begin here or later (histories and files are listed all the same). */
  readonly from?: bigint;
  /** For `startLsn`. Default: what the first segment that is stored here says (one more request). */
  readonly segmentSizeBytes?: number;
  readonly signal?: AbortSignal;
}

/** `partial`: what there is of a segment that is not whole; `file`: a `.backup` file. */
export type WalEntryKind = "segment" | "history" | "partial" | "file";

export interface WalEntry {
  readonly kind: WalEntryKind;
  readonly timeline: number;
  /** As PostgreSQL calls it: `000000010000000000000003`, `00000002.history`, `….partial`, `….00000028.backup`. */
  readonly name: string;
  /** First byte that the name stands for; null for histories. */
  readonly startLsn: bigint | null;
  /** Stored bytes. */
  readonly sizeBytes: number;
  readonly modifiedAt: Date;
}

export interface WalSegmentDescription {
  readonly place: WalSegmentPlace;
  readonly storedBytes: number;
  /** 32 bytes; the same for the same plain bytes within one repository, however they were stored. */
  readonly plainHash: Uint8Array;
  readonly facts: WalSegmentFacts | null;
}

export interface ReadWal {
  readonly signal?: AbortSignal;
  /** Each chunk is valid until the next one is asked for, so that buffers can go round: for who reads segment after segment. */
  readonly lends?: boolean;
}

export interface WalPartial {
  readonly place: WalSegmentPlace;
  /** Without a hole from the segment's start up to here. */
  readonly endLsn: bigint;
  /** The timeline ended here (`finishPartial`): nothing more will come. */
  readonly ended: boolean;
  /** The plain bytes from the segment's start to `endLsn`. */
  read(): AsyncIterable<Uint8Array>;
}

export interface WalContradiction {
  /** The first byte that differs; null: they cannot be compared. */
  readonly lsn: bigint | null;
  /** What is the matter, without a full stop. */
  readonly sentence: string;
  /** How many objects say so. */
  readonly pieces: number;
}

export interface RemoveWal {
  /** Only what there is of the segments in pieces; what is there whole stays. Default: both go. */
  readonly piecesOnly?: boolean;
  readonly signal?: AbortSignal;
}

export interface WalRemoval {
  readonly removedSegments: number;
  readonly removedBytes: number;
}
