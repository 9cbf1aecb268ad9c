import { RangeReader } from "@tidemark/repository/range-reader";
import { releaseBytes } from "@tidemark/repository/release-bytes";
import type { FrameBatch } from "./tour-frames.ts";

/** The stored bytes of batches, one after another, for one thread. */
export class BatchBytes {
  readonly #reader = new RangeReader();

  /** Null when this thread cannot read them. They are valid until `use` comes back. */
  with<Result>({ stored }: FrameBatch, use: (bytes: Uint8Array) => Result): Result | null {
    if (!(stored instanceof Uint8Array)) {
      const bytes = this.#reader.read(stored);
      return bytes === null ? null : use(bytes);
    }
    const result = use(stored);
    releaseBytes(stored);
    return result;
  }
}

/** What is handed over with a batch, not copied. */
export function transferOf({ stored }: FrameBatch): ArrayBuffer[] {
  return stored instanceof Uint8Array ? [stored.buffer] : [];
}
