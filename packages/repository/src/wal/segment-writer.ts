import { AppError, joinCleanup } from "@tidemark/kit";
import { magic } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { BoxCompression } from "../seal/compression.ts";
import { BlockLine } from "./block-line.ts";
import { putOnce } from "./put-once.ts";
import { removePieces } from "./remove-pieces.ts";
import type { WalHeader, WalIndex, WalSegmentKind } from "./segment-facts.ts";
import { beginObject, endOfSegment, readIndex, type SegmentBeginning } from "./segment-object.ts";
import { GrowingPieces, PieceObjects, type SegmentPieces } from "./segment-pieces.ts";
import { openSink, type SegmentSink } from "./segment-sink.ts";
import type { WalSegmentFacts, WalSegmentPlace, WalSegmentWriter } from "./wal-archive.ts";
import { asWalDamage } from "./wal-errors.ts";
import { segmentName, type WalPaths } from "./wal-names.ts";

export interface NewSegment {
  readonly paths: WalPaths;
  readonly place: WalSegmentPlace;
  readonly writer: string;
  readonly signal: AbortSignal | undefined;
  readonly compression: () => BoxCompression;
  /** Told what the writer had to wait for, once a segment is whole. */
  readonly onWaits: (waits: { readonly elapsedMs: number; readonly sealMs: number; readonly storeMs: number }) => void;
}

/** A segment in the making. It lasts by pieces where it was flushed, and as a whole once it is. */
export class OpenSegmentWriter implements WalSegmentWriter {
  readonly place: WalSegmentPlace;
  readonly #context: RepositoryContext;
  readonly #options: NewSegment;
  readonly #name: string;
  /** Of the names of its pieces. */
  readonly #suffix: string;
  readonly #beginning: SegmentBeginning;
  readonly #sink: SegmentSink;
  readonly #line: BlockLine;
  readonly #pieces: SegmentPieces;
  readonly #startedMs: number;
  #durable = 0;
  #flushing: Promise<void> | null = null;
  #nextFlush: Promise<void> | null = null;
  #isOver = false;
  #failure: { readonly error: unknown } | null = null;

  private constructor(context: RepositoryContext, options: NewSegment, sink: SegmentSink) {
    const { place, paths, writer } = options;
    this.place = place;
    this.#context = context;
    this.#options = options;
    this.#sink = sink;
    this.#name = segmentName(place);
    const header: WalHeader = { systemIdentifier: paths.systemIdentifier, place, writer };
    this.#beginning = beginObject(context, magic.walSegment, paths.object(this.#name), header);
    const { seal } = this.#beginning;
    this.#line = new BlockLine(context, { seal, sink, segmentBytes: place.sizeBytes }, options.compression);
    this.#suffix = `${writer}-${Buffer.from(context.randomBytes(8)).toString("hex")}`;
    const parts = { header, sink, line: this.#line, seal, suffix: this.#suffix };
    const folder = paths.pieces(place.timeline, this.#name);
    this.#pieces =
      sink.growing === null ? new PieceObjects(context, folder, parts) : new GrowingPieces(context, folder, parts);
    this.#startedMs = context.clock.monotonicMs();
  }

  static async begin(context: RepositoryContext, options: NewSegment): Promise<OpenSegmentWriter> {
    const sink = await openSink(context.store, context.spoolFolder);
    try {
      const writer = new OpenSegmentWriter(context, options, sink);
      await sink.append([writer.#beginning.bytes]);
      return writer;
    } catch (error) {
      throw await joinCleanup(error, () => sink.close());
    }
  }

  get endLsn(): bigint {
    return this.place.startLsn + BigInt(this.#line.end);
  }

  get flushedLsn(): bigint {
    return this.place.startLsn + BigInt(this.#durable);
  }

  writeNow(bytes: Uint8Array): number {
    const isOpen = !this.#isOver && this.#failure === null && this.#options.signal?.aborted !== true;
    return isOpen && this.#line.end + bytes.length <= this.place.sizeBytes ? this.#line.writeNow(bytes) : 0;
  }

  whenRoom(): Promise<void> | null {
    return this.#isOver || this.#failure !== null ? null : this.#line.whenRoom();
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    if (this.#line.end + bytes.length > this.place.sizeBytes) {
      throw new AppError("bad-request", { message: `${this.#name} has no room for ${bytes.length} more bytes` });
    }
    await this.#line.write(bytes);
  }

  /** One act runs, one more waits for it; whoever comes meanwhile shares the one that waits. */
  async flush(): Promise<bigint> {
    this.#assertOpen();
    if (this.#flushing === null) await this.#beginFlush();
    else {
      this.#nextFlush ??= this.#flushing
        .catch(() => undefined)
        .then(() => {
          this.#nextFlush = null;
          return this.#beginFlush();
        });
      await this.#nextFlush;
    }
    return this.flushedLsn;
  }

  #beginFlush(): Promise<void> {
    this.#flushing = this.#flushOnce().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  async #flushOnce(): Promise<void> {
    if (this.#durable >= this.#line.end) return;
    this.#assertOpen();
    try {
      this.#durable = await this.#pieces.keep(this.#durable, this.#line.end);
    } catch (error) {
      // Nothing is sealed twice for one place, so nothing goes on behind a flush of which nobody knows how far it came.
      this.#failure ??= { error };
      throw error;
    }
  }

  async finish(facts: WalSegmentFacts | null): Promise<"stored" | "same"> {
    if (this.#line.end !== this.place.sizeBytes) {
      throw new AppError("bad-request", { message: `${this.#name} is not whole: it has ${this.#line.end} bytes` });
    }
    const key = this.#options.paths.object(this.#name);
    await this.#context.step("wal:before-segment");
    const outcome = await this.#store("whole", key, facts);
    await this.#context.step("wal:after-segment");
    const elapsedMs = this.#context.clock.monotonicMs() - this.#startedMs;
    this.#options.onWaits({ elapsedMs, ...this.#line.waited });
    await this.#removePieces(key, "whole");
    return outcome;
  }

  async finishPartial(): Promise<void> {
    const folder = this.#options.paths.pieces(this.place.timeline, this.#name);
    const key = `${folder}ended-${this.#line.end.toString(16).toUpperCase().padStart(8, "0")}`;
    await this.#context.step("wal:before-ended");
    await this.#store("ended", key, null);
    await this.#context.step("wal:after-ended");
    await this.#removePieces(key, "ended");
  }

  /** As a file that a server's archiver gave: never taken for a whole segment. */
  async finishArchived(): Promise<"stored" | "same"> {
    await this.#context.step("wal:before-file");
    const outcome = await this.#store("archived", this.#options.paths.object(`${this.#name}.partial`), null);
    await this.#context.step("wal:after-file");
    return outcome;
  }

  async #store(kind: WalSegmentKind, key: string, facts: WalSegmentFacts | null): Promise<"stored" | "same"> {
    for (let flush = this.#nextFlush ?? this.#flushing; flush !== null; flush = this.#nextFlush ?? this.#flushing)
      await flush.catch(() => undefined);
    this.#assertOpen();
    this.#isOver = true;
    try {
      await this.#line.close();
      const index = this.#index(kind, facts);
      const { seal } = this.#beginning;
      await this.#sink.append([endOfSegment(seal, index, this.#line.recordCount, this.#sink.sizeBytes)]);
      const name = this.#options.paths.object(this.#name);
      const outcome = await putOnce(this.#context, {
        key,
        name: kind === "whole" ? this.#name : `${this.#name}.partial`,
        publish: (to) => this.#sink.publish(to),
        isSame: async (other) => isSameIndex(index, await readIndex(this.#context, other, name).catch(asDamage(other))),
      });
      this.#durable = this.#line.end;
      return outcome;
    } catch (error) {
      // `abandon` finds the writer over; what was flushed stays, but not its open file, nor its buffers.
      await this.#line.abandon();
      throw await joinCleanup(error, () => this.#pieces.close());
    } finally {
      await this.#sink.close();
    }
  }

  #index(kind: WalSegmentKind, facts: WalSegmentFacts | null): WalIndex {
    const { end, boxed, hash } = this.#line;
    const { systemIdentifier } = this.#options.paths;
    return {
      systemIdentifier,
      place: this.place,
      kind,
      plainBytes: end,
      boxedBytes: boxed,
      plainHash: hash.digest(end),
      facts,
    };
  }

  async #removePieces(key: string, kind: "whole" | "ended"): Promise<void> {
    await this.#pieces.close();
    const { place } = this;
    await removePieces(this.#context, this.#options.paths, { place, suffix: this.#suffix, key, kind });
  }

  async abandon(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#nextFlush?.catch(() => undefined);
    await this.#flushing?.catch(() => undefined);
    await this.#line.abandon();
    // What cannot be closed is closed with the process; nothing of it was promised.
    await Promise.allSettled([this.#sink.close(), this.#pieces.close()]);
  }

  #assertOpen(): void {
    if (this.#isOver) throw new AppError("bad-request", { message: `${this.#name} is not being written any more` });
    if (this.#failure !== null) throw this.#failure.error;
    if (this.#options.signal?.aborted === true) {
      throw new AppError("cancelled", {
        message: `writing ${this.#name} was cancelled`,
        cause: this.#options.signal.reason,
      });
    }
  }
}

function isSameIndex(mine: WalIndex, other: WalIndex | null): boolean | null {
  if (other === null) return null;
  return mine.plainBytes === other.plainBytes && Buffer.compare(mine.plainHash, other.plainHash) === 0;
}

function asDamage(key: string): (error: unknown) => never {
  return (error) => {
    throw asWalDamage(key, error);
  };
}
