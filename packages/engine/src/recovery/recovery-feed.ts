import { AppError } from "@tidemark/kit";

/** What a feed reads from: a WAL archive, or the one of two that can be read. */
export interface WalSource {
  /** Plain bytes of a segment, history or other file. Throws `wal-missing` when the archive has none of that name. */
  read(name: string, options?: { readonly signal?: AbortSignal }): AsyncIterable<Uint8Array>;
  /** What there is of the segment in the making, or of the last one of a timeline that ended; null: nothing. */
  partial(timeline: number): Promise<{
    readonly place: { readonly startLsn: bigint; readonly sizeBytes: number };
    readonly endLsn: bigint;
    read(): AsyncIterable<Uint8Array>;
  } | null>;
}

export interface RecoveryFeedRequest {
  readonly archive: WalSource;
  /** A folder of the feed's own, best on the file system of the data directory: emptied at the start, removed at the end. */
  readonly spool: string;
  readonly segmentSizeBytes: number;
  /** Segments kept ready ahead of the one asked for, at most; bounds the spool at (prefetch + 1) segments. */
  readonly prefetch: number;
  /** Segments fetched at a time. Default 2. */
  readonly parallel?: number;
  /** Whether a segment that is not whole in the archive may be answered with what there is of it, filled up with zeros. */
  readonly partial: boolean;
  /** How long a question that the archive could not answer is repeated before the recovery is told so, in ms. */
  readonly retryMs: number;
  readonly onProgress?: (progress: FeedProgress) => void;
  readonly signal?: AbortSignal;
}

export interface FeedProgress {
  /** Files that PostgreSQL took, histories included. */
  readonly servedFiles: number;
  readonly servedSegments: number;
  /** The segment taken last. */
  readonly lastSegment: string | null;
  /** Time PostgreSQL waited for files that were not there yet, in ms. */
  readonly waitedMs: number;
  /** The last segment that was asked for and is not in the archive; asking past the end is how a recovery ends. */
  readonly lastMissing: string | null;
  /** Why the recovery was told that the archive could not be asked; null: it never was. */
  readonly failure: AppError | null;
}

export interface RecoveryFeed {
  /** For `restore_command`. */
  readonly restoreCommand: string;
  progress(): FeedProgress;
  /** Ends it and removes the spool. A recovery that asks from now on is told that it could not be asked. */
  stop(): Promise<void>;
}

/** Fills a spool ahead of a recovery, whose restore_command takes the files from there without starting a process of ours. */
export async function startRecoveryFeed(request: RecoveryFeedRequest): Promise<RecoveryFeed> {
  throw new AppError("internal", { message: `nothing feeds ${request.spool} yet` });
}
