import { AppError } from "@tidemark/kit";
import { type Lsn, segmentHeaderBytes, validateSegmentHeader, WalScanner, walSegmentName } from "@tidemark/postgres";
import type { WalArchive, WalCommit, WalSegmentFacts, WalSegmentPlace, WalSegmentWriter } from "@tidemark/repository";
import type { StoredSegment } from "./receive-types.ts";

export interface SegmentSinkOptions {
  readonly archive: WalArchive;
  readonly writer: string;
  readonly major: number;
  readonly timeline: number;
  readonly segmentSizeBytes: number;
  /** The start of a segment. */
  readonly startLsn: bigint;
  /** The end of the segment before, where a record may reach over from (`tailBefore`). */
  readonly before?: Uint8Array | null;
  /** Ends what the store still does. */
  readonly signal: AbortSignal;
  readonly onSegment: (stored: StoredSegment) => Promise<void>;
  /** `durableLsn` has moved, or `failure` is set. */
  readonly onChange: () => void;
}

/**
 * Cuts the stream of one timeline into segments and stores them. While a whole segment is made durable the next one is
 * taken already; but nothing of that one is made durable, nor counted so, before its predecessor is: what is in the archive
 * has no holes whenever we die.
 */
export class SegmentSink {
  readonly #options: SegmentSinkOptions;
  readonly #scanner: WalScanner;
  #receivedLsn: bigint;
  #durableLsn: bigint;
  #lastCommit: WalCommit | null = null;
  /** Received and not known to be durable: the last one of each piece that came. */
  readonly #undurable: WalCommit[] = [];
  #writer: WalSegmentWriter | null = null;
  /** The first bytes of a segment, until there are enough to tell whose it is. */
  #header: Uint8Array = new Uint8Array(0);
  #finishing: Promise<void> = Promise.resolve();
  #flushing: Promise<unknown> = Promise.resolve();
  #taking: Promise<unknown> = Promise.resolve();
  #isTaking = false;
  #isOver = false;
  #failure: { readonly error: unknown } | null = null;

  constructor(options: SegmentSinkOptions) {
    const { major, segmentSizeBytes, timeline, startLsn, before = null } = options;
    this.#options = options;
    this.#scanner = new WalScanner({ major, segmentSizeBytes, timeline, startLsn, before });
    this.#receivedLsn = startLsn;
    this.#durableLsn = startLsn;
  }

  get receivedLsn(): bigint {
    return this.#receivedLsn;
  }

  /** Up to here everything since `startLsn` is durable. */
  get durableLsn(): bigint {
    return this.#durableLsn;
  }

  /** The newest one that is durable. */
  get lastCommit(): WalCommit | null {
    return this.#lastCommit;
  }

  /** What a segment failed with that was being finished in the background. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  /**
   * Takes the next bytes; copies what it keeps.
   *
   * @throws AppError `wal-invalid`, `wal-foreign-server` for a segment that is not what it should be; what the store says.
   */
  take(bytes: Uint8Array): Promise<void> {
    this.#isTaking = true;
    const taking = this.#take(bytes).finally(() => {
      this.#isTaking = false;
    });
    this.#taking = taking.catch(() => undefined);
    return taking;
  }

  /**
   * Takes as many of the next bytes as it can without waiting for anything: how many, from the first one on. Where a segment
   * begins or ends it is none, nor where something is wrong, which `take` says.
   */
  takeNow(bytes: Uint8Array): number {
    const writer = this.#writer;
    if (writer === null || !this.#isReady) return 0;
    if (BigInt(bytes.length) >= this.#segmentEnd() - this.#receivedLsn) return 0;
    const taken = writer.writeNow(bytes);
    if (taken === 0) return 0;
    this.#scanner.push(taken === bytes.length ? bytes : bytes.subarray(0, taken));
    this.#noteCommit();
    this.#receivedLsn += BigInt(taken);
    return taken;
  }

  async #take(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    while (rest.length > 0) {
      if (this.#failure !== null) throw this.#failure.error;
      if (this.#isOver) throw new AppError("cancelled", { message: "receiving this timeline is over" });
      const room = Number(this.#segmentEnd() - this.#receivedLsn);
      const part = rest.subarray(0, room);
      rest = rest.subarray(part.length);
      this.#scanner.push(part);
      this.#noteCommit();
      await this.#write(part);
      this.#receivedLsn += BigInt(part.length);
      if (part.length === room) await this.#completeSegment();
    }
  }

  /** Settles when there is room for more at once, or never will be; null: that is not what is waited for. */
  whenRoom(): Promise<void> | null {
    return this.#isReady ? (this.#writer?.whenRoom() ?? null) : null;
  }

  get #isReady(): boolean {
    return !this.#isTaking && !this.#isOver && this.#failure === null;
  }

  /** Makes what was taken durable, whole segments first; up to where. */
  async flush(): Promise<bigint> {
    await this.#finishing;
    if (this.#failure !== null) throw this.#failure.error;
    const writer = this.#writer;
    if (writer === null || writer.endLsn <= this.#durableLsn) return this.#durableLsn;
    const flushing = writer.flush();
    this.#flushing = flushing.catch(() => undefined);
    this.#advance(await flushing);
    return this.#durableLsn;
  }

  /** The timeline ended: what there is of its last segment is kept as that. */
  async endTimeline(): Promise<void> {
    await this.#finishing;
    if (this.#failure !== null) throw this.#failure.error;
    await this.#flushing;
    await this.#writer?.finishPartial();
    this.#writer = null;
    this.#advance(this.#receivedLsn);
  }

  /** What was flushed stays. Never throws. Whoever gave up waiting for `take` has it still under way: that ends first. */
  async abandon(): Promise<void> {
    this.#isOver = true;
    await this.#taking;
    await this.#finishing;
    await this.#flushing;
    await this.#writer?.abandon();
    this.#writer = null;
  }

  #segmentStart(): bigint {
    return this.#receivedLsn - (this.#receivedLsn % BigInt(this.#options.segmentSizeBytes));
  }

  #segmentEnd(): bigint {
    return this.#segmentStart() + BigInt(this.#options.segmentSizeBytes);
  }

  async #write(part: Uint8Array): Promise<void> {
    if (this.#writer !== null) return await this.#writer.write(part);
    const header = this.#header.length === 0 ? part : Buffer.concat([this.#header, part]);
    if (header.length < segmentHeaderBytes) {
      this.#header = Uint8Array.from(header);
      return;
    }
    this.#header = new Uint8Array(0);
    const place = this.#place();
    this.#validate(header, place);
    const { archive, writer, signal } = this.#options;
    this.#writer = await archive.beginSegment(place, { writer, signal });
    await this.#writer.write(header);
  }

  #place(): WalSegmentPlace {
    const { timeline, segmentSizeBytes: sizeBytes } = this.#options;
    return { timeline, startLsn: this.#segmentStart(), sizeBytes };
  }

  #validate(header: Uint8Array, { timeline, startLsn }: WalSegmentPlace): void {
    const { archive, major, segmentSizeBytes } = this.#options;
    const { systemIdentifier } = archive;
    const problem = validateSegmentHeader(header, { major, systemIdentifier, segmentSizeBytes, timeline, startLsn });
    if (problem === null) return;
    const name = walSegmentName(timeline, startLsn as Lsn, segmentSizeBytes);
    throw new AppError(problem === "belongs to another cluster" ? "wal-foreign-server" : "wal-invalid", {
      message: `the WAL segment ${name} ${problem}`,
      hint: "nothing of it was stored; check which server answers at this address",
      context: { segment: name },
    });
  }

  /** At most one segment is being finished beside the one being taken. */
  async #completeSegment(): Promise<void> {
    const { problem: _, ...facts } = this.#scanner.takeFacts();
    await this.#finishing;
    if (this.#failure !== null) throw this.#failure.error;
    const writer = this.#writer as WalSegmentWriter;
    this.#writer = null;
    this.#finishing = this.#finish(writer, facts);
  }

  /** Never rejects. */
  async #finish(writer: WalSegmentWriter, facts: WalSegmentFacts): Promise<void> {
    const { archive, onSegment, onChange, segmentSizeBytes } = this.#options;
    const { place } = writer;
    try {
      await writer.finish(facts);
      this.#advance(place.startLsn + BigInt(segmentSizeBytes));
      onChange();
      const name = walSegmentName(place.timeline, place.startLsn as Lsn, segmentSizeBytes);
      const storedBytes = (await archive.describe(name))?.storedBytes ?? null;
      const { systemIdentifier } = archive;
      await onSegment({ systemIdentifier, place, facts, storedBytes, source: "stream" });
    } catch (error) {
      this.#failure ??= { error };
      await writer.abandon();
      onChange();
    }
  }

  /** A flush beside a `take` may have got hold of bytes that are not counted as received yet: the next one counts them. */
  #advance(lsn: bigint): void {
    const reached = lsn < this.#receivedLsn ? lsn : this.#receivedLsn;
    if (reached > this.#durableLsn) this.#durableLsn = reached;
    const behind = this.#undurable.findIndex((commit) => commit.lsn > this.#durableLsn);
    const durable = this.#undurable.splice(0, behind === -1 ? this.#undurable.length : behind);
    this.#lastCommit = durable.at(-1) ?? this.#lastCommit;
  }

  /** When many wait, the newest is told late rather than none. */
  #noteCommit(): void {
    const { lastCommit } = this.#scanner;
    if (lastCommit === null || lastCommit === this.#lastCommit || lastCommit === this.#undurable.at(-1)) return;
    if (this.#undurable.length === mostUndurable) this.#undurable.pop();
    this.#undurable.push(lastCommit);
  }
}

/** More pieces than come between two flushes of a busy server, at 128 KiB each. */
const mostUndurable = 256;
