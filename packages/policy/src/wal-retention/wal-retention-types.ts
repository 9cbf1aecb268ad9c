import type { WindowBackup, WindowPartial, WindowSegment, WindowTimeline } from "../recovery/recovery-types.ts";

export interface WalRetentionInput {
  /** The usable backups that stay, by retention's plan, held ones too. */
  readonly backups: readonly WindowBackup[];
  /** Damaged ones that stay: the window never begins with one, but what it needs to be consistent stays with it. */
  readonly damagedBackups?: readonly WindowBackup[];
  /** Days back to which every instant is promised; null: all WAL behind the oldest backup stays. */
  readonly windowDays: number | null;
  readonly segments: readonly WindowSegment[];
  readonly partials: readonly WindowPartial[];
  readonly timelines: readonly WindowTimeline[];
  /** Other files of the archive by their names: backup histories and `.partial` files of a server's own archiver. */
  readonly files?: readonly WalFilePlace[];
  readonly now: Date;
}

/** A file in the archive beside segments: it goes with the segment it belongs to. */
export interface WalFilePlace {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly name: string;
  /** The start of its segment. */
  readonly startLsn: bigint;
}

export type WalKeepCode = "window" | "backup" | "no-backup-yet" | "no-rule";
export type WalRemoveCode = "before-oldest-backup" | "beyond-window" | "timeline-left";

/** A run of WAL of one timeline, whole segments. */
export interface WalRange<Code extends string> {
  readonly systemIdentifier: bigint;
  readonly timeline: number;
  readonly fromLsn: bigint;
  readonly toLsn: bigint;
  readonly segmentCount: number;
  readonly code: Code;
  readonly sentence: string;
}

/** A value: shown first, executed later. Every segment given is in exactly one range. */
export interface WalRetentionPlan {
  readonly plannedAt: Date;
  readonly kept: readonly WalRange<WalKeepCode>[];
  readonly removed: readonly WalRange<WalRemoveCode>[];
  /** The segments of `removed`, in the order in which they may go (oldest first within a timeline). */
  readonly removeSegments: readonly WindowSegment[];
  /** Partials that go: of timelines of which nothing is kept, or whose segment is there whole. */
  readonly removePartials: readonly WindowPartial[];
  readonly removeFiles: readonly WalFilePlace[];
  /** Timelines whose `.history` file may go: nothing kept lies on them or comes from them. */
  readonly removeHistories: readonly { readonly systemIdentifier: bigint; readonly timeline: number }[];
}
