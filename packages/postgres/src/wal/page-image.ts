import { zstdDecompressSync } from "node:zlib";
import { walPageBytes } from "./page-header.ts";
import type { WalBlockImage } from "./wal-record.ts";

/** The page an image restores, with its hole; null when the image cannot be taken apart. */
export function pageOfImage(image: WalBlockImage): Uint8Array | null {
  const plainBytes = walPageBytes - image.holeBytes;
  const plain = plainImage(image, plainBytes);
  if (plain === null || plain.length !== plainBytes) return null;
  if (image.holeBytes === 0) return plain;
  const page = new Uint8Array(walPageBytes);
  page.set(plain.subarray(0, image.holeOffset));
  page.set(plain.subarray(image.holeOffset), image.holeOffset + image.holeBytes);
  return page;
}

function plainImage({ bytes, compression }: WalBlockImage, plainBytes: number): Uint8Array | null {
  if (compression === "none") return bytes;
  if (compression === "pglz") return unpackPglz(bytes, plainBytes);
  if (compression === "lz4") return unpackLz4(bytes, plainBytes);
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: walPageBytes });
  } catch {
    // Not zstd after all, or longer than a page: there is no image to be had.
    return null;
  }
}

/** src/common/pg_lzcompress.c: eight items after each control byte, a copy of what was (bit set) or a byte. */
export function unpackPglz(packed: Uint8Array, plainBytes: number): Uint8Array | null {
  const plain = new Uint8Array(plainBytes);
  let from = 0;
  let to = 0;
  while (from < packed.length && to < plainBytes) {
    let control = packed[from++] as number;
    for (let item = 0; item < 8 && from < packed.length && to < plainBytes; item++, control >>= 1) {
      if ((control & 1) === 0) {
        plain[to++] = packed[from++] as number;
        continue;
      }
      const first = packed[from++] as number;
      const distance = ((first & 0xf0) << 4) | (packed[from++] ?? 0);
      let length = (first & 0x0f) + 3;
      if (length === 18) length += packed[from++] ?? 0;
      if (distance === 0 || distance > to) return null;
      to = copyBack(plain, to, distance, length);
    }
  }
  return to === plainBytes ? plain : null;
}

/** An LZ4 block (its format description): a token, bytes as they are, a copy of what was. */
export function unpackLz4(packed: Uint8Array, plainBytes: number): Uint8Array | null {
  const plain = new Uint8Array(plainBytes);
  let from = 0;
  let to = 0;
  const more = (length: number) => {
    let total = length;
    if (length !== 15) return total;
    for (;;) {
      const next = packed[from++] ?? 0;
      total += next;
      if (next !== 255) return total;
    }
  };
  while (from < packed.length) {
    const token = packed[from++] as number;
    const literals = more(token >> 4);
    if (from + literals > packed.length || to + literals > plainBytes) return null;
    plain.set(packed.subarray(from, from + literals), to);
    from += literals;
    to += literals;
    // The last sequence has no copy.
    if (from >= packed.length) break;
    const distance = (packed[from] as number) | ((packed[from + 1] ?? 0) << 8);
    from += 2;
    const length = more(token & 15) + 4;
    if (distance === 0 || distance > to) return null;
    to = copyBack(plain, to, distance, length);
  }
  return to === plainBytes ? plain : null;
}

/** Byte by byte: the copy may overlap what it makes. Where it now ends. */
function copyBack(plain: Uint8Array, to: number, distance: number, length: number): number {
  const end = Math.min(to + length, plain.length);
  for (let at = to; at < end; at++) plain[at] = plain[at - distance] as number;
  return end;
}
