/**
 * As `target.set(source.subarray(from, to), at)`, for memory that threads share. V8 copies to and from it byte by byte
 * where the two sides do not lie alike to a word's boundary, which what a stream brings and what is put into packs never does
 * (2 to 3 GB/s, and 7 to 12 where they do), and makes a view of each piece. Node's own way is the processor's (14 to 17,
 * measured 2026-11). For a whole array it takes V8's instead, so that the last byte is copied apart.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, at = 0, from = 0, to = source.length): void {
  if (at < 0 || from < 0 || to > source.length || at + to - from > target.length) {
    throw new RangeError("bytes are copied from or to where there are none");
  }
  if (to <= from) return;
  const last = to - 1;
  copyPart.call(source, target, at, from, last);
  target[at + last - from] = source[last] as number;
}

const copyPart = Buffer.prototype.copy;
