// What the recovery window is computed from, as plain values. Metadata's rows and a repository's listing both give them.

/** A transaction's commit as a reader of the WAL found it. */
export interface WindowCommit {
  /** The commit's time by the server's clock, cut to milliseconds (the server keeps microseconds). */
  readonly at: Date;
  /** The end of the commit record. */
  readonly lsn: bigint;
  readonly xid: number;
}

export interface WindowRestorePoint {
  readonly name: string;
  readonly at: Date;
  /** The end of its record: what `pg_create_restore_point` returned. */
  readonly lsn: bigint;
}

/** What is known of the records in one segment. */
export interface WindowSegmentFacts {
  /**
   * The first and last commit in the order of the WAL; null when there is none. Without the first and with the last only
   * that one is known: there may be others before it.
   */
  readonly firstCommit: WindowCommit | null;
  readonly lastCommit: WindowCommit | null;
  readonly restorePoints: readonly WindowRestorePoint[];
  /** The end of the last whole record that ends in this segment; null when none does. */
  readonly lastRecordEnd: bigint | null;
}

/** One segment that is whole in the archive. */
export interface WindowSegment {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** How much WAL it holds (the server's segment size). */
  readonly sizeBytes: number;
  /** Null when nobody read it. */
  readonly facts: WindowSegmentFacts | null;
}

/** A segment of which only the beginning is durable: pieces of the one in the making, or the end of a timeline. */
export interface WindowPartial {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  /** The segment's own start. */
  readonly startLsn: bigint;
  /** Up to where it is durable. */
  readonly endLsn: bigint;
  readonly facts: WindowSegmentFacts | null;
}

/** One timeline as its `.history` file's last line tells it. The first timeline of a server needs no entry. */
export interface WindowTimeline {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  /** The timeline it was forked from; null for a first one. */
  readonly parent: number | null;
  /** The first byte that is its own; null for a first one. */
  readonly switchLsn: bigint | null;
}

/** A stored backup. Damaged, failed and deleted ones are not given. */
export interface WindowBackup {
  readonly backupId: string;
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly startLsn: bigint;
  /** Where it is consistent: nothing before it can be restored from this backup. */
  readonly stopLsn: bigint;
  /** When it was complete by our clock. */
  readonly stoppedAt: Date;
  /** How far the server's clock may be ahead of ours, in milliseconds; left out: not at all. */
  readonly serverAheadMs?: number;
  /** WAL inside the backup itself; null when everything it needs is in the archive. */
  readonly includedWal: { readonly timeline: number; readonly startLsn: bigint; readonly endLsn: bigint } | null;
}

/** A hole whose cause somebody saw when it came about. */
export interface KnownGap {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  /** A sentence without a full stop, as `the slot was dropped`. */
  readonly cause: string;
}

export interface RecoveryInput {
  readonly backups: readonly WindowBackup[];
  /** Any order; 200,000 of them are usual. */
  readonly segments: readonly WindowSegment[];
  readonly partials: readonly WindowPartial[];
  readonly timelines: readonly WindowTimeline[];
  readonly knownGaps: readonly KnownGap[];
  /** How many days back retention promises to restore; null or left out: no stretch expires. */
  readonly windowDays?: number | null;
}

/** A place in a server's history. */
export interface RecoveryInstant {
  readonly timeline: number;
  readonly lsn: bigint;
  /** By the server's clock; null when no reader saw a commit that tells it. */
  readonly at: Date | null;
}

/**
 * Every LSN from `from` to `to`, both included, can be restored to. On a child timeline it reaches back through the
 * ancestors, so `from` may lie on one of them. A backup without WAL behind it is a stretch whose ends are the same.
 */
export interface RecoverableStretch {
  /** The stop of the first backup; `at` is the earliest time one may ask for. */
  readonly from: RecoveryInstant;
  /** The end of the last whole record; `at` is the last commit, null when none comes behind the first backup: then no time can be asked for. */
  readonly to: RecoveryInstant;
  /** The backups in it, oldest first. */
  readonly backupIds: readonly string[];
  /** When its oldest part goes by retention; null: it does not while its newest backup stays. */
  readonly expiresAt: Date | null;
}

/** WAL that no backup comes before: kept, and good for nothing by itself. */
export interface BaselessStretch {
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  readonly from: RecoveryInstant;
  readonly to: RecoveryInstant;
}

/** WAL that is missing between what is there. */
export interface WalGap {
  /** The timeline whose WAL is missing: the listed one's own, or an ancestor's. */
  readonly timeline: number;
  readonly fromLsn: bigint;
  /** The first byte that is there again; what a known cause says when nothing came after it yet. */
  readonly toLsn: bigint;
  readonly cause: string;
  /** The nearest instants that can be restored to on both sides; null where there is none. */
  readonly before: RecoveryInstant | null;
  readonly after: RecoveryInstant | null;
}

/** What there is on the way to one timeline's end: its own WAL and its ancestors' up to where they were left. */
export interface TimelineWindow {
  readonly timeline: number;
  readonly parent: number | null;
  readonly switchLsn: bigint | null;
  /** In the order of the WAL, as the next two. */
  readonly stretches: readonly RecoverableStretch[];
  readonly gaps: readonly WalGap[];
  readonly withoutBase: readonly BaselessStretch[];
  readonly restorePoints: readonly (WindowRestorePoint & { readonly timeline: number; readonly reachable: boolean })[];
}

/** The newest that is durable with us. */
export interface LiveEdge {
  readonly timeline: number;
  /** Up to where WAL is durable without a hole. */
  readonly durableLsn: bigint;
  readonly lastCommit: WindowCommit | null;
  /** Whether a backup comes before it, so that it can be restored to. */
  readonly reachable: boolean;
}

/** What was one cluster: after `initdb` or `pg_upgrade` the same server has another system identifier. */
export interface ClusterLifetime {
  readonly systemIdentifier: bigint;
  /** Ascending. */
  readonly timelines: readonly TimelineWindow[];
  readonly liveEdge: LiveEdge | null;
}

export interface RecoveryWindow {
  /** The one with the newest backup or commit first. */
  readonly lifetimes: readonly ClusterLifetime[];
}
