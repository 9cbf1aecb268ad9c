import { walBlockBytes } from "../format.ts";
import { FrameMemory } from "../packs/frame-memory.ts";
import type { BoxRoom } from "../seal/sealed-box.ts";
import { ZstdLines } from "./zstd-lines.ts";

/** A buffer for one block of WAL. */
export interface WalBlock {
  /** `walBlockBytes` long. */
  readonly plain: Uint8Array;
  /** Where its box is made; over the plain bytes, unless a thread of the pool shares them. */
  readonly room: BoxRoom;
}

/**
 * Buffers for blocks of WAL, which all segments in the making of a repository share. They go round and are kept: threads
 * know each of theirs by a number, and one that was let go would stay theirs for ever. How many there are is bounded by who
 * takes them, see `mayTake`.
 */
export class WalBlocks {
  /** Who compresses them. */
  readonly zstd = new ZstdLines();
  readonly #free: WalBlock[] = [];
  readonly #freeShared: WalBlock[] = [];
  #taken = 0;

  /** `isShared`: a thread of the pool is to seal it. */
  take(isShared: boolean): WalBlock {
    this.#taken++;
    return isShared ? (this.#freeShared.pop() ?? sharedBlock()) : (this.#free.pop() ?? ownBlock());
  }

  give(block: WalBlock): void {
    this.#taken--;
    (isShared(block) ? this.#freeShared : this.#free).push(block);
  }

  /** Whether a segment that has so many under way may have one more: always some, more while all together have few. */
  mayTake(underWay: number): boolean {
    return underWay < leastUnderWay || (underWay < mostUnderWay && this.#taken < sharedBlocks);
  }
}

/** Whether a thread of the pool can have it. */
export function isShared({ plain }: WalBlock): boolean {
  return FrameMemory.holds(plain);
}

/** Half the memory of a shared one, and copied into in a third of the time. */
function ownBlock(): WalBlock {
  const whole = new Uint8Array(marginBytes + walBlockBytes + marginBytes);
  const plain = whole.subarray(marginBytes, marginBytes + walBlockBytes);
  return { plain, room: { apart: whole, around: whole } };
}

function sharedBlock(): WalBlock {
  const { plain, room } = new FrameMemory();
  return { plain, room: { apart: room.apart } };
}

/** More than a box is longer than its plain bytes, in front of them and behind. */
const marginBytes = 64;

/** What is written with one call, and sealed with one message to a thread: a MiB. Half of it took a tenth more of processor time. */
export const blocksTogether = 8;

/** Three lots: one being written, one being sealed and one being filled. */
const mostUnderWay = 3 * blocksTogether;

/** 128 KiB each. Beyond that each further segment that comes as fast as it can has some, and an open one: 640 KiB. */
const sharedBlocks = 32;
export const leastUnderWay = 4;
