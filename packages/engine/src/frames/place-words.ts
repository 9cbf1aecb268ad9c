/** Where a piece of a frame belongs. */
export interface Place {
  /** Counts the manifest's files from 0, in its order. */
  readonly fileIndex: number;
  readonly fileOffset: number;
  readonly offsetInFrame: number;
  readonly lengthBytes: number;
  readonly crc32c: number;
}

/**
 * Places are kept as eight 32-bit words each, because there are 8 million in a backup of 1 TiB and 134 million in a
 * fragmented one: pack number, frame index, file index, offset in the frame, length, CRC-32C, and the offset in the
 * file (low, high).
 */
export const placeWords = 8;

export function writePlace(words: Uint32Array, at: number, pack: number, frameIndex: number, place: Place): void {
  words[at] = pack;
  words[at + 1] = frameIndex;
  words[at + 2] = place.fileIndex;
  words[at + 3] = place.offsetInFrame;
  words[at + 4] = place.lengthBytes;
  words[at + 5] = place.crc32c;
  words[at + 6] = place.fileOffset % 2 ** 32;
  words[at + 7] = Math.floor(place.fileOffset / 2 ** 32);
}

/** The place that begins at word `at`. */
export function readPlace(words: Uint32Array, at: number): Place {
  return {
    fileIndex: words[at + 2] as number,
    offsetInFrame: words[at + 3] as number,
    lengthBytes: words[at + 4] as number,
    crc32c: words[at + 5] as number,
    fileOffset: (words[at + 6] as number) + (words[at + 7] as number) * 2 ** 32,
  };
}

export function packOf(words: Uint32Array, at: number): number {
  return words[at] as number;
}

export function frameOf(words: Uint32Array, at: number): number {
  return words[at + 1] as number;
}

/** Whether a frame's places are other than its plain bytes as a whole: then parts of them are checked one by one. */
export function isCut({ plainBytes }: { readonly plainBytes: number }, words: Uint32Array): boolean {
  for (let at = 0; at < words.length; at += placeWords) if (words[at + 4] !== plainBytes) return true;
  return false;
}
