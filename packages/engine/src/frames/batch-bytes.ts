import { RangeReader } from "@tidemark/repository/range-reader";
import { releaseBytes } from "@tidemark/repository/release-bytes";
import type { FrameBatch } from "./tour-frames.ts";

/** Stored bytes of a batch. */
export interface BatchWindow {
  readonly bytes: Uint8Array;
  /** Where in the batch they begin. */
  readonly from: number;
}

/** The stored bytes of batches, one after another, for one thread. */
export class BatchBytes {
  readonly #reader = new RangeReader();

  /**
   * Null when this thread cannot read them all; `use` may have had some by then. It asks for each frame by its number within
   * the batch, in order; what it gets is valid until it asks again.
   */
  with<Result>(batch: FrameBatch, use: (windowOf: (frame: number) => BatchWindow) => Result): Result | null {
    const { stored } = batch;
    if (stored instanceof Uint8Array) {
      const result = use(() => ({ bytes: stored, from: 0 }));
      releaseBytes(stored);
      return result;
    }
    let end = 0;
    let window: BatchWindow = { bytes: new Uint8Array(0), from: 0 };
    try {
      return use((frame) => {
        if (frame < end) return window;
        const { from, to, ...rest } = windowFrom(batch.frames, frame);
        end = rest.end;
        const bytes = this.#reader.read({ path: stored.path, offset: stored.offset + from, lengthBytes: to - from });
        if (bytes === null) throw new Unread();
        window = { bytes, from };
        return window;
      });
    } catch (error) {
      if (error instanceof Unread) return null;
      throw error;
    }
  }
}

class Unread extends Error {}

/** What is read in one go: a frame and those behind it (up to `end`) that lie within some bytes. */
function windowFrom(
  frames: FrameBatch["frames"],
  first: number,
): { readonly from: number; readonly to: number; readonly end: number } {
  const { at: from = 0, storedBytes = 0 } = frames[first] ?? {};
  let to = from + storedBytes;
  let end = first + 1;
  for (let frame = frames[end]; frame !== undefined; frame = frames[++end]) {
    if (frame.at < to || frame.at + frame.storedBytes - from > windowBytes) break;
    to = frame.at + frame.storedBytes;
  }
  return { from, to, end };
}

/** What a thread reads, opens and writes then stays in its processor's cache. */
const windowBytes = 1024 * 1024;

/** What is handed over with a batch, not copied. */
export function transferOf({ stored }: FrameBatch): ArrayBuffer[] {
  return stored instanceof Uint8Array ? [stored.buffer] : [];
}
