import { walBlockBytes } from "../format.ts";
import type { FrameMemory } from "../packs/frame-memory.ts";
import type { RepositoryContext } from "../repository-context.ts";
import type { BoxCompression } from "../seal/compression.ts";
import type { ObjectSeal } from "../seal/object-seal.ts";
import type { BoxRoom } from "../seal/sealed-box.ts";
import { sealWalBlock, sealWalBlockBeside, type WalBlockJob, type WalBlockOutcome, walLeaf } from "./seal-wal-block.ts";
import { recordHead } from "./segment-object.ts";
import type { SegmentSink } from "./segment-sink.ts";
import { blocksTogether } from "./wal-blocks.ts";
import { WalHash, walHashKeys } from "./wal-hash.ts";
import type { ZstdLines } from "./zstd-lines.ts";

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
 * The way of one segment's bytes from their writer into the sink: blocks are filled, sealed by the pool's threads some at a time, and
 * appended in order. Blocks of zeros wait: behind the last that is none they are never stored.
 */
export class BlockLine {
  readonly hash: WalHash;
  readonly records: PlacedRecord[] = [];
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
  #open: FrameMemory | null = null;
  #waiting: WaitingBlock[] = [];
  #zeroBlocks = 0;
  #underWay = 0;
  #appended: Promise<void> = Promise.resolve();
  #phase: "sealMs" | "storeMs" = "sealMs";
  #failure: { readonly error: unknown } | null = null;
  #roomMade: (() => void) | null = null;

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

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      this.#throwFailure();
      this.#open ??= this.#context.walBlocks.take();
      const within = this.end % walBlockBytes;
      const length = Math.min(walBlockBytes - within, bytes.length - at);
      this.#open.plain.set(bytes.subarray(at, at + length), within);
      this.end += length;
      at += length;
      if (this.end % walBlockBytes === 0) this.#complete(this.#open, walBlockBytes);
      if (!this.#context.walBlocks.mayTake(this.#underWay)) await this.#room();
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
      this.#add({ memory: null, job: this.#job(plain, this.boxed, null), offset: this.boxed });
      this.boxed = this.end;
    }
    this.#dispatch();
  }

  /** No more bytes come: the last block is complete as it is. */
  async close(): Promise<void> {
    this.#throwFailure();
    if (this.#open !== null) this.#complete(this.#open, this.end % walBlockBytes);
    this.#dispatch();
    await this.appended();
  }

  /** Everything that is in boxes by now is in the sink. */
  async appended(): Promise<void> {
    this.#dispatch();
    await this.#appended;
    this.#throwFailure();
  }

  /** Gives back what is not under way. */
  abandon(): void {
    if (this.#open !== null) this.#context.walBlocks.give(this.#open);
    for (const { memory } of this.#waiting) if (memory !== null) this.#context.walBlocks.give(memory);
    this.#open = null;
    this.#waiting = [];
    this.#failure ??= { error: new Error("the segment was given up") };
  }

  #complete(memory: FrameMemory, lengthBytes: number): void {
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
    this.#add({ memory, job: this.#job(plain, this.boxed, this.#leafKey), offset: this.boxed });
    this.boxed = this.end;
    if (this.#waiting.length >= blocksTogether) this.#dispatch();
  }

  /** Something comes behind blocks of zeros: they are stored after all, which takes some bytes each. */
  addZeros(): void {
    for (; this.#zeroBlocks > 0; this.#zeroBlocks--) {
      const length = Math.min(walBlockBytes, this.#segmentBytes - this.boxed);
      this.#add({ memory: null, job: this.#job(zeros.subarray(0, length), this.boxed, null), offset: this.boxed });
      this.boxed += length;
    }
  }

  #add(block: WaitingBlock): void {
    this.#waiting.push(block);
    this.#underWay++;
  }

  #job(plain: Uint8Array, offset: number, leafKey: Uint8Array | null): WalBlockJob {
    const from = offset % walBlockBytes;
    const asked = this.#compression();
    // Behind a switch the rest is zeros: that is compressed whatever the setting.
    const compression = asked.codec === "plain" && isMostlyZeros(plain) ? zeroCompression : asked;
    return { plain, from, sealing: this.#seal.part("wal", offset), compression, leafKey };
  }

  /**
   * Few blocks are sealed here: to wake a thread and be woken by it is not worth it, nor is it for those that are not
   * compressed. zstd has its own way beside this thread; other codecs have a thread of the pool.
   */
  #dispatch(): void {
    const blocks = this.#waiting;
    if (blocks.length === 0) return;
    this.#waiting = [];
    const outcomes = this.#beginSealing(blocks);
    // Told once it is its turn; an error before that is not nobody's.
    outcomes.catch(() => undefined);
    this.#appended = this.#appended.then(() => this.#append(blocks, outcomes));
  }

  #beginSealing(blocks: readonly WaitingBlock[]): Promise<readonly WalBlockOutcome[]> {
    const { sealsHere, openers, walBlocks } = this.#context;
    const codecs = new Set(blocks.map(({ job }) => job.compression.codec));
    codecs.delete("plain");
    if (sealsHere || codecs.size === 0 || blocks.length < blocksTogether) return sealHere(blocks);
    if (blocks.some(({ memory }) => memory === null)) return sealHere(blocks);
    if (codecs.has("lz4") || codecs.has("gzip")) return openers.sealWal(blocks.map(({ job }) => job));
    return sealBeside(walBlocks.zstd, blocks);
  }

  async #append(blocks: readonly WaitingBlock[], sealed: Promise<readonly WalBlockOutcome[]>): Promise<void> {
    try {
      this.#throwFailure();
      this.#phase = "sealMs";
      const outcomes = await sealed;
      this.#phase = "storeMs";
      const chunks: Uint8Array[] = [];
      let at = this.#sink.sizeBytes;
      for (const [index, { job, offset }] of blocks.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined) throw new Error("a block of WAL was left out");
        const { stored, leaf } = outcome;
        const storedBytes = stored.reduce((sum, { length }) => sum + length, 0);
        const head = recordHead(storedBytes, offset);
        chunks.push(head, ...stored);
        const plainBytes = job.plain.length - job.from;
        this.records.push({ offset, plainBytes, at: at + head.length, storedBytes });
        at += head.length + storedBytes;
        if (leaf !== null) this.hash.setLeaf(Math.floor(offset / walBlockBytes), leaf);
      }
      await this.#sink.append(chunks);
    } catch (error) {
      this.#failure ??= { error };
      // Its buffers are a thread's until that is done with them.
      await sealed.catch(() => undefined);
    } finally {
      for (const { memory } of blocks) if (memory !== null) this.#context.walBlocks.give(memory);
      this.#underWay -= blocks.length;
      this.#roomMade?.();
    }
  }

  async #room(): Promise<void> {
    const { clock } = this.#context;
    while (!this.#context.walBlocks.mayTake(this.#underWay) && this.#failure === null) {
      const [fromMs, phase] = [clock.monotonicMs(), this.#phase];
      await new Promise<void>((resolve) => {
        this.#roomMade = resolve;
      });
      this.waited[phase] += clock.monotonicMs() - fromMs;
    }
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}

interface WaitingBlock {
  /** Null where the plain bytes are the job's own. */
  readonly memory: FrameMemory | null;
  readonly job: WalBlockJob;
  readonly offset: number;
}

async function sealHere(blocks: readonly WaitingBlock[]): Promise<readonly WalBlockOutcome[]> {
  const outcomes: WalBlockOutcome[] = [];
  for (const { job, memory } of blocks) {
    if (outcomes.length % blocksAtOnce === blocksAtOnce - 1) await new Promise((resolve) => setImmediate(resolve));
    outcomes.push(sealWalBlock(job, roomOf(memory)));
  }
  return outcomes;
}

/** Settles when nobody reads any of the blocks any more. */
async function sealBeside(lines: ZstdLines, blocks: readonly WaitingBlock[]): Promise<readonly WalBlockOutcome[]> {
  const sealing = blocks.map(({ job, memory }) => sealWalBlockBeside(lines, job, roomOf(memory)));
  await Promise.allSettled(sealing);
  return Promise.all(sealing);
}

function roomOf(memory: FrameMemory | null): BoxRoom | undefined {
  return memory === null ? undefined : { apart: memory.room.apart };
}

/** Then the event loop has its turn; only blocks of zeros come in such numbers. */
const blocksAtOnce = 16;

const zeros = new Uint8Array(walBlockBytes);
const zeroCompression: BoxCompression = { codec: "zstd", level: 1 };

function isZeros(bytes: Uint8Array): boolean {
  return bytes[0] === 0 && Buffer.compare(bytes, zeros.subarray(0, bytes.length)) === 0;
}

/** Whether the second half is nothing else. */
function isMostlyZeros(bytes: Uint8Array): boolean {
  return isZeros(bytes.subarray(bytes.length >>> 1));
}
