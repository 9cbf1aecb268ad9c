import { setFlagsFromString } from "node:v8";

/**
 * Lets this process's heap grow by 30 % between two full collections instead of up to fourfold. For the start of a process
 * that takes backups or restores them: their objects live as long as one file's extents are looked at, which is when V8
 * takes them for lasting, and a manifest of a terabyte was read in 420 MiB so, of which 30 were alive. Measured
 * (2026-11): 221 MiB for a million extents, where 1.4 million took 393 MiB without it.
 *
 * Threads that start from now on have young generations of 1 MiB (this thread keeps its own): what they work with lies outside
 * the heap, so that hardly an object outlives a collection. Twice 4 MiB of each were empty, at the same speed.
 */
export function keepHeapSmall(): void {
  setFlagsFromString("--heap-growing-percent=30");
  setFlagsFromString("--max-semi-space-size=1");
}
