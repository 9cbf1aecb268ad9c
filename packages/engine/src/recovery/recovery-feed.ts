import { type FSWatcher, watch } from "node:fs";
import { type AppError, type Clock, systemClock } from "@tidemark/kit";
import type { ReadWal, WalSegmentPlace } from "@tidemark/repository";
import { restoreCommand } from "./feed-command.ts";
import { FeedFetches } from "./feed-fetches.ts";
import { FeedSpool, type SpoolWord } from "./feed-spool.ts";
import { nextSegmentName, walFileKind } from "./segment-order.ts";
import { troubleLines } from "./trouble-lines.ts";

/** What a feed reads from: a WAL archive, or the one of two that can be read. */
export interface WalSource {
  /** Plain bytes of a segment, history or other file. Throws `wal-missing` when the archive has none of that name. */
  read(name: string, options?: ReadWal): AsyncIterable<Uint8Array>;
  /** What there is of a segment that never came whole; null: nothing. */
  partialOf(place: WalSegmentPlace): Promise<{
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
  /** Segments fetched ahead at a time. Default 2. */
  readonly parallel?: number;
  /** Whether a segment that is not whole in the archive may be answered with what there is of it, filled up with zeros. */
  readonly partial: boolean;
  /** Nothing behind this place of this timeline is given, whatever has arrived since it was chosen. Default: no limit. */
  readonly through?: { readonly timeline: number; readonly lsn: bigint } | null;
  /** How long a question that the archive could not answer is repeated before the recovery is told so, in ms. */
  readonly retryMs: number;
  readonly onProgress?: ((progress: FeedProgress) => void) | undefined;
  readonly clock?: Clock;
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

/**
 * Fills a spool ahead of a recovery, whose restore_command takes the files from there without starting a process of
 * ours: a file that is there is moved, for any other the shell asks and waits.
 *
 * The archive's "there is none" ends the command with 1. "Could not ask", repeated for `retryMs`, and the death of
 * this process end it above 125, which stops the recovery instead of ending it early.
 */
export async function startRecoveryFeed(request: RecoveryFeedRequest): Promise<RecoveryFeed> {
  const feed = new Feed(request, await FeedSpool.make(request.spool));
  feed.begin();
  return feed;
}

class Feed implements RecoveryFeed {
  readonly restoreCommand: string;
  readonly #request: RecoveryFeedRequest;
  readonly #clock: Clock;
  readonly #spool: FeedSpool;
  readonly #fetches: FeedFetches;
  #progress: FeedProgress = {
    servedFiles: 0,
    servedSegments: 0,
    lastSegment: null,
    waitedMs: 0,
    lastMissing: null,
    failure: null,
  };
  /** The segment that is asked for next, as far as we know, or now. */
  #next: string | null = null;
  /** It was asked for and is not taken yet: it stays beside those ahead of it. */
  #waitedFor = false;
  #watcher: FSWatcher | null = null;
  #timers: NodeJS.Timeout[] = [];
  #listening: Promise<void> | null = null;
  #again = false;
  #stopped = false;
  readonly #answering = new Set<Promise<void>>();

  constructor(request: RecoveryFeedRequest, spool: FeedSpool) {
    this.#request = request;
    this.#clock = request.clock ?? systemClock;
    this.#spool = spool;
    this.#fetches = new FeedFetches(request, spool, this.#clock);
    this.restoreCommand = restoreCommand(spool.path);
  }

  begin(): void {
    this.#watcher = watch(this.#spool.wantFolder, () => this.#listen());
    // A watch that breaks (no inotify handles left) only makes it slower.
    this.#watcher.on("error", () => this.#watcher?.close());
    this.#timers = [
      setInterval(() => this.#listen(), pollMs),
      setInterval(() => void this.#spool.beat().catch(() => undefined), beatMs),
    ];
  }

  progress(): FeedProgress {
    return this.#progress;
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#watcher?.close();
    for (const timer of this.#timers) clearInterval(timer);
    await this.#fetches.stop();
    await this.#listening;
    await Promise.all(this.#answering);
    await this.#spool.remove();
  }

  /** One reading of the questions at a time; what comes while it runs is read right after. */
  #listen(): void {
    if (this.#stopped) return;
    if (this.#listening !== null) {
      this.#again = true;
      return;
    }
    this.#again = false;
    this.#listening = this.#readWords().finally(() => {
      this.#listening = null;
      if (this.#again) this.#listen();
    });
  }

  async #readWords(): Promise<void> {
    let words: readonly SpoolWord[];
    try {
      words = await this.#spool.takeWords();
    } catch {
      // The spool cannot be read just now; the questions stay and are read at the next look.
      return;
    }
    for (const { name, ask } of words) {
      if (ask === null) this.#took(name);
      else this.#follow(this.#answer(name, ask));
    }
    if (words.length > 0) this.#lookAhead();
  }

  #took(name: string): void {
    this.#fetches.forget(name);
    const isSegment = walFileKind(name) === "segment";
    const { servedFiles, servedSegments, lastSegment } = this.#progress;
    this.#tell({
      servedFiles: servedFiles + 1,
      servedSegments: servedSegments + (isSegment ? 1 : 0),
      lastSegment: isSegment ? name : lastSegment,
    });
    if (!isSegment) return;
    this.#next = nextSegmentName(name, this.#request.segmentSizeBytes);
    this.#waitedFor = false;
  }

  async #answer(name: string, ask: string): Promise<void> {
    const askedMs = this.#clock.monotonicMs();
    try {
      const there = await this.#fetches.urgently(name);
      if (this.#stopped) return;
      if (!there) {
        if (walFileKind(name) === "segment") this.#tell({ lastMissing: name });
        await this.#spool.answer(ask, "none");
      } else if (walFileKind(name) === "segment") {
        this.#next = name;
        this.#waitedFor = true;
        this.#lookAhead();
      }
    } catch (error) {
      if (this.#stopped) return;
      this.#tell({ failure: this.#fetches.asAppError(error) });
      const [sentence, ...hints] = troubleLines(error);
      await this.#spool.answer(ask, `error ${sentence}`, ...hints);
    } finally {
      this.#tell({ waitedMs: this.#progress.waitedMs + (this.#clock.monotonicMs() - askedMs) });
    }
  }

  /** Keeps the segments after the next one coming, in order, and throws away what recovery has left behind. */
  #lookAhead(): void {
    const count = this.#request.prefetch + (this.#waitedFor ? 1 : 0);
    const ahead: string[] = [];
    for (let name = this.#next; name !== null && ahead.length < count; ) {
      ahead.push(name);
      name = nextSegmentName(name, this.#request.segmentSizeBytes);
    }
    this.#follow(this.#fetches.keep(ahead));
  }

  #follow(work: Promise<void>): void {
    // What could not be written in the spool is asked for again: the shell waits.
    const done = work.catch(() => undefined).finally(() => this.#answering.delete(done));
    this.#answering.add(done);
  }

  #tell(change: Partial<FeedProgress>): void {
    this.#progress = { ...this.#progress, ...change };
    this.#request.onProgress?.(this.#progress);
  }
}

const pollMs = 200;
/** The shell gives up after 30 s without one (`patience` in the script). */
const beatMs = 1000;
