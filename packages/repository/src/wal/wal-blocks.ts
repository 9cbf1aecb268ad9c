import { FrameMemory } from "../packs/frame-memory.ts";
import { ZstdLines } from "./zstd-lines.ts";

/**
 * Buffers for blocks of WAL, each with room for its box, which all segments in the making of a repository share. They go
 * round and are kept: threads know each of them by a number, and one that was let go would stay theirs for ever. How
 * many there are is bounded by who takes them, see `mayTake`.
 */
export class WalBlocks {
  /** Who compresses them. */
  readonly zstd = new ZstdLines();
  readonly #free: FrameMemory[] = [];
  #taken = 0;

  take(): FrameMemory {
    this.#taken++;
    return this.#free.pop() ?? new FrameMemory();
  }

  give(memory: FrameMemory): void {
    this.#taken--;
    this.#free.push(memory);
  }

  /** Whether a segment that has so many under way may have one more: always a lot, more while all together have few. */
  mayTake(underWay: number): boolean {
    return underWay < blocksTogether || (underWay < mostUnderWay && this.#taken < sharedBlocks);
  }
}

/** What is sealed with one message, and written with one call: a MiB. Half of it took a tenth more of processor time. */
export const blocksTogether = 8;

/** One lot being written, one being sealed and one being filled. */
const mostUnderWay = 3 * blocksTogether;

/** 270 KiB each. Beyond that each further segment that comes as fast as it can has a lot and an open block: 2.4 MiB. */
const sharedBlocks = 32;
