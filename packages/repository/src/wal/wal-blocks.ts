import { FrameMemory } from "../packs/frame-memory.ts";

/** Buffers for blocks of WAL, each with room for its box. They go round: those that are free are few, and used first. */
export class WalBlocks {
  readonly #free: FrameMemory[] = [];

  take(): FrameMemory {
    return this.#free.pop() ?? new FrameMemory();
  }

  give(memory: FrameMemory): void {
    if (this.#free.length < keptBlocks) this.#free.push(memory);
  }
}

/** What two receivers that are behind have under way; 270 KiB each. */
const keptBlocks = 32;
