import { walBlockBytes } from "../format.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { BoxCompression } from "../seal/compression.ts";
import type { ObjectSeal } from "../seal/object-seal.ts";
import { sealPackedBlock, sealWalBlock, type WalBlockJob, type WalBlockOutcome, walLeaf } from "./seal-wal-block.ts";
import { recordHead } from "./segment-object.ts";
import type { SegmentSink } from "./segment-sink.ts";
import { blocksTogether, isShared, leastUnderWay, type WalBlock } from "./wal-blocks.ts";
import { WalHash, walHashKeys } from "./wal-hash.ts";

/** A record of a segment in the making. */
export interface PlacedRecord {
  /** Of its first plain byte in the segment. */
  readonly offset: number;
  readonly plainBytes: number;
  /** Of its box in the sink. */
  readonly at: number;
  readonly storedBytes: number;
}

/**
 * The way of one segment's bytes from their writer into the sink: blocks are filled, sealed, and appended in order, some at a
 * time. Blocks of zeros wait: behind the last that is none they are never stored.
 */
export class BlockLine {
  readonly hash: WalHash;
  /** Appended, where the sink does not grow in the store. */
  readonly records: PlacedRecord[] = [];
  /** Appended. */
  recordCount = 0;
  /** Bytes taken. */
  end = 0;
  /** Up to here they are in boxes, appended or on their way. */
  boxed = 0;
  /** How long the writer waited, and for what, since it was asked last. */
  readonly waited = { sealMs: 0, storeMs: 0 };
  readonly #context: RepositoryContext;
  readonly #seal: ObjectSeal;
  readonly #sink: SegmentSink;
  readonly #compression: () => BoxCompression;
  readonly #leafKey: Uint8Array;
  readonly #segmentBytes: number;
  #open: WalBlock | null = null;
  /** In order, from the first that is not being appended. */
  #queue: LineBlock[] = [];
  /** Of these, what waits to be sent to a thread of the pool. */
  #lot: LineBlock[] = [];
  #zeroBlocks = 0;
  /** Neither in the sink nor given up: in the queue, or being appended. */
  #underWay = 0;
  /** Ever put into the queue, and ever appended. */
  #added = 0;
  #done = 0;
  #isAppending = false;
  #failure: { readonly error: unknown } | null = null;
  /** Who waits for the queue to get shorter. While somebody does, not even one block waits for others. */
  #waiters: (() => void)[] = [];

  constructor(
    context: RepositoryContext,
    place: { readonly seal: ObjectSeal; readonly sink: SegmentSink; readonly segmentBytes: number },
    compression: () => BoxCompression,
  ) {
    const keys = walHashKeys(context);
    this.hash = new WalHash(keys);
    this.#leafKey = keys.leafKey;
    this.#context = context;
    this.#seal = place.seal;
    this.#sink = place.sink;
    this.#segmentBytes = place.segmentBytes;
    this.#compression = compression;
  }

  /** Where the open block begins; the end, when none is. */
  get blockStart(): number {
    return this.end - (this.end % walBlockBytes);
  }

  /** Takes what there is room for: how many bytes. */
  writeNow(bytes: Uint8Array): number {
    const { walBlocks } = this.#context;
    let at = 0;
    while (at < bytes.length && this.#failure === null) {
      if (this.#open === null && !walBlocks.mayTake(this.#underWay)) break;
      this.#open ??= walBlocks.take(isThreads(this.#compression().codec));
      const within = this.end % walBlockBytes;
      const length = Math.min(walBlockBytes - within, bytes.length - at);
      this.#open.plain.set(bytes.subarray(at, at + length), within);
      this.end += length;
      at += length;
      if (this.end % walBlockBytes === 0) this.#complete(this.#open, walBlockBytes);
    }
    return at;
  }

  /** Settles when there is room again, or the line failed; null: there is some. */
  whenRoom(): Promise<void> | null {
    const isFull = this.#open === null && !this.#context.walBlocks.mayTake(this.#underWay);
    return isFull && this.#failure === null ? this.#room() : null;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#throwFailure();
    for (let at = this.writeNow(bytes); at < bytes.length; at += this.writeNow(bytes.subarray(at))) {
      this.#throwFailure();
      await this.#room();
    }
  }

  /** Plain bytes of the open block. They are the line's: not to be kept. */
  openBytes(from: number, to: number): Uint8Array {
    if (this.#open === null || from < this.blockStart) throw new RangeError(`the block at ${from} is closed`);
    return this.#open.plain.subarray(from - this.blockStart, to - this.blockStart);
  }

  /** Puts everything up to the end into boxes, the open block's beginning too; `appended` waits for them. */
  cut(): void {
    this.#throwFailure();
    this.addZeros();
    if (this.#open !== null && this.end > this.boxed) {
      const plain = this.#open.plain.slice(0, this.end - this.blockStart);
      const offset = this.boxed;
      this.boxed = this.end;
      this.#add(null, this.#job(plain, offset, null), offset);
    }
  }

  /** No more bytes come: the last block is complete as it is. */
  async close(): Promise<void> {
    this.#throwFailure();
    if (this.#open !== null) this.#complete(this.#open, this.end % walBlockBytes);
    await this.appended();
  }

  /** Everything that is in boxes by now is in the sink. */
  async appended(): Promise<void> {
    this.#sendLot();
    const added = this.#added;
    while (this.#done < added && this.#failure === null) await this.#change();
    this.#throwFailure();
  }

  /** Gives everything back; what somebody else is at, once it is theirs no more. */
  async abandon(): Promise<void> {
    this.#fail(new Error("the segment was given up"));
    if (this.#open !== null) this.#context.walBlocks.give(this.#open);
    this.#open = null;
    while (this.#underWay > 0) await this.#change();
  }

  #complete(memory: WalBlock, lengthBytes: number): void {
    this.#open = null;
    const start = this.end - lengthBytes;
    const plain = memory.plain.subarray(0, lengthBytes);
    if (this.boxed <= start && isZeros(plain)) {
      // The hash takes a block that was never set for zeros.
      this.#zeroBlocks++;
      this.#context.walBlocks.give(memory);
      return;
    }
    this.addZeros();
    if (this.boxed === this.end) {
      this.hash.setLeaf(Math.floor(start / walBlockBytes), walLeaf(this.#leafKey, plain));
      this.#context.walBlocks.give(memory);
      return;
    }
    const offset = this.boxed;
    this.boxed = this.end;
    this.#add(memory, this.#job(plain, offset, this.#leafKey), offset);
  }

  /** Something comes behind blocks of zeros: they are stored after all, which takes some bytes each. */
  addZeros(): void {
    for (; this.#zeroBlocks > 0; this.#zeroBlocks--) {
      const length = Math.min(walBlockBytes, this.#segmentBytes - this.boxed);
      const offset = this.boxed;
      this.boxed += length;
      this.#add(null, { ...this.#job(zeros.subarray(0, length), offset, null), compression: zeroCompression }, offset);
    }
  }

  #add(memory: WalBlock | null, job: OpenJob, offset: number): void {
    const block: LineBlock = { memory, job, offset, isBusy: false, stored: null };
    this.#queue.push(block);
    this.#underWay++;
    this.#added++;
    this.#sealBlock(block);
    this.#pump();
  }

  #job(plain: Uint8Array, offset: number, leafKey: Uint8Array | null): OpenJob {
    const from = offset % walBlockBytes;
    const asked = this.#compression();
    // Behind a switch the rest is zeros: that is compressed whatever the setting.
    const compression = asked.codec === "plain" && isMostlyZeros(plain) ? zeroCompression : asked;
    return { plain, from, compression, leafKey };
  }

  /**
   * What a block is sealed with is made when it is, and its leaf goes into the hash at once: while many receivers are behind
   * blocks wait so long that whatever they hold on to gets old, and is found by a collection of all memory only.
   */
  #sealHere({ job, memory, offset }: LineBlock, packed?: Uint8Array | null): WalBlockOutcome {
    const whole = { ...job, sealing: this.#seal.part("wal", offset) };
    return packed === undefined ? sealWalBlock(whole, memory?.room) : sealPackedBlock(whole, packed, memory?.room);
  }

  #keep(block: LineBlock, { stored, leaf }: WalBlockOutcome): void {
    block.stored = stored;
    if (leaf !== null) this.hash.setLeaf(Math.floor(block.offset / walBlockBytes), leaf);
  }

  /**
   * zstd has its own way beside this thread; lz4 and gzip have a thread of the pool, which is woken for some blocks at a
   * time. What is not compressed is sealed here, and everything where this thread is one of those.
   */
  #sealBlock(block: LineBlock): void {
    const { job, memory } = block;
    const { codec, level } = job.compression;
    if (codec === "plain" || this.#context.sealsHere) this.#keep(block, this.#sealHere(block));
    else if (codec === "zstd") {
      block.isBusy = true;
      this.#context.walBlocks.zstd.compress(job.plain.subarray(job.from), level, (error, packed) => {
        if (error === null) this.#sealed([block], () => [this.#sealHere(block, packed)]);
        else this.#sealed([block], null, error);
      });
    } else if (memory !== null && isShared(memory)) {
      block.isBusy = true;
      this.#lot.push(block);
      if (this.#lot.length >= blocksTogether) this.#sendLot();
    } else this.#keep(block, this.#sealHere(block));
  }

  /** To wake a thread for few and be woken by it is not worth it. */
  #sendLot(): void {
    const lot = this.#lot;
    if (lot.length === 0) return;
    this.#lot = [];
    if (lot.length < leastUnderWay) {
      this.#sealed(lot, () => lot.map((block) => this.#sealHere(block)));
      return;
    }
    const jobs = lot.map(({ job, offset }) => ({ ...job, sealing: this.#seal.part("wal", offset) }));
    this.#context.openers.sealWal(jobs).then(
      (outcomes) => this.#sealed(lot, () => outcomes),
      (error: unknown) => this.#sealed(lot, null, error),
    );
  }

  /** Nobody else is at these blocks any more. Does not throw. */
  #sealed(blocks: readonly LineBlock[], seal: (() => readonly WalBlockOutcome[]) | null, error?: unknown): void {
    for (const block of blocks) block.isBusy = false;
    try {
      if (seal === null) throw error;
      // Nobody wants those of a line that failed.
      if (this.#failure === null) {
        for (const [index, outcome] of seal().entries()) this.#keep(blocks[index] as LineBlock, outcome);
      }
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    if (this.#failure === null) this.#pump();
    else this.#giveUp();
  }

  /** Appends what is sealed, a lot at a time; less where somebody waits for it. */
  #pump(): void {
    if (this.#isAppending || this.#failure !== null) return;
    let ready = 0;
    while (ready < mostAppended && (this.#queue[ready]?.stored ?? null) !== null) ready++;
    if (ready === 0 || (ready < blocksTogether && this.#waiters.length === 0)) return;
    this.#isAppending = true;
    void this.#append(this.#queue.splice(0, ready));
  }

  async #append(blocks: readonly LineBlock[]): Promise<void> {
    try {
      const chunks: Uint8Array[] = [];
      let at = this.#sink.sizeBytes;
      for (const { job, offset, stored } of blocks) {
        if (stored === null) throw new Error("a block of WAL is appended before it is sealed");
        const storedBytes = stored.reduce((sum, { length }) => sum + length, 0);
        const head = recordHead(storedBytes, offset);
        chunks.push(head, ...stored);
        const plainBytes = job.plain.length - job.from;
        this.recordCount++;
        // Where the sink itself grows nobody asks for them.
        if (this.#sink.growing === null) this.records.push({ offset, plainBytes, at: at + head.length, storedBytes });
        at += head.length + storedBytes;
      }
      await this.#sink.append(chunks);
      this.#done += blocks.length;
    } catch (error) {
      this.#fail(error);
    }
    this.#isAppending = false;
    this.#give(blocks);
    this.#pump();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    for (const block of this.#lot) block.isBusy = false;
    this.#lot = [];
    this.#giveUp();
  }

  /** Nothing in the queue is wanted any more. */
  #giveUp(): void {
    const idle = this.#queue.filter(({ isBusy }) => !isBusy);
    this.#queue = this.#queue.filter(({ isBusy }) => isBusy);
    this.#give(idle);
  }

  #give(blocks: readonly LineBlock[]): void {
    for (const { memory } of blocks) if (memory !== null) this.#context.walBlocks.give(memory);
    this.#underWay -= blocks.length;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#pump();
    });
  }

  async #room(): Promise<void> {
    const { clock, walBlocks } = this.#context;
    while (!walBlocks.mayTake(this.#underWay) && this.#failure === null) {
      this.#sendLot();
      const isStored = this.#isAppending && (this.#queue[0]?.stored ?? null) !== null;
      const [fromMs, phase] = [clock.monotonicMs(), isStored ? "storeMs" : "sealMs"] as const;
      await this.#change();
      this.waited[phase] += clock.monotonicMs() - fromMs;
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

interface LineBlock {
  /** Null where the plain bytes are the job's own. */
  readonly memory: WalBlock | null;
  readonly job: OpenJob;
  readonly offset: number;
  /** Somebody else reads the plain bytes. */
  isBusy: boolean;
  /** Its box, once it is sealed. */
  stored: readonly Uint8Array[] | null;
}

type OpenJob = Omit<WalBlockJob, "sealing">;

/** Whether blocks that are compressed so go to a thread of the pool. */
function isThreads(codec: BoxCompression["codec"]): boolean {
  return codec === "lz4" || codec === "gzip";
}

/** Four parts each: fewer than one call takes (IOV_MAX). Only blocks of zeros come in such numbers. */
const mostAppended = 128;

const zeros = new Uint8Array(walBlockBytes);
const zeroCompression: BoxCompression = { codec: "zstd", level: 1 };

function isZeros(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}

/** Whether the second half is nothing else. */
function isMostlyZeros(bytes: Uint8Array): boolean {
  return isZeros(bytes.subarray(bytes.length >>> 1));
}
