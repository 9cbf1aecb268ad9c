import { createRequire } from "node:module";
import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { type BoxCodec, type BoxCompression, boxCodecs } from "./compression.ts";
import { compressContext, decompressContext, isKeptOutput } from "./zstd-context.ts";

/**
 * Null where it would not be smaller: then it is stored as it is. Synchronous, like all of a box; the result is valid until
 * the next call in this thread, and given to `releaseWhole` when it was used.
 */
export function compress(plain: Uint8Array, { codec, level }: BoxCompression): Uint8Array | null {
  if (codec === "plain" || plain.length === 0) return null;
  const packed = compressors[codec](plain, level);
  if (packed.length < plain.length) return packed;
  releaseWhole(packed);
  return null;
}

/**
 * zlib's result is the beginning of a buffer of its own, as long as the chunk it was given, unless it is small or in the
 * buffer of a context that is kept.
 */
export function releaseWhole(packed: Uint8Array): void {
  if (isKeptOutput(packed)) return;
  if (packed.byteOffset === 0 && packed.buffer.byteLength > Buffer.poolSize) {
    releaseBytes(new Uint8Array(packed.buffer));
  }
}

const compressors: Record<Exclude<BoxCodec, "plain">, (plain: Uint8Array, level: number) => Uint8Array> = {
  zstd: (plain, level) =>
    compressContext(level).compress(plain) ??
    zstdCompressSync(plain, { params: { [constants.ZSTD_c_compressionLevel]: level }, ...oneBuffer(plain.length) }),
  gzip: (plain, level) => gzipSync(plain, { level, ...oneBuffer(plain.length) }),
  // The library puts the plain length in front (4 bytes); the box has it already.
  lz4: (plain) => lz4().compressSync(bufferOn(plain)).subarray(lz4HeadBytes),
};

/** One output buffer: what does not fit into it is not worth compressing and takes a second one. zlib's least is 64. */
const oneBuffer = (length: number) => ({ chunkSize: Math.max(length, 64) });

const lz4HeadBytes = 4;

/** Few repositories need it, and loading it takes every thread of every act 7 ms (measured 2026-11). */
function lz4(): typeof import("lz4-napi") {
  loadedLz4 ??= createRequire(import.meta.url)("lz4-napi") as typeof import("lz4-napi");
  return loadedLz4;
}

let loadedLz4: typeof import("lz4-napi") | null = null;

/** The name of a codec's number; null for one of a version that is not ours. */
export function codecOf(number: number): BoxCodec | null {
  return codecsByNumber.get(number) ?? null;
}

const codecsByNumber = new Map(Object.entries(boxCodecs).map(([name, number]) => [number as number, name as BoxCodec]));

/**
 * Exactly `plainLength` bytes in a buffer of their own, or a throw: of the codec's own errors, or a RangeError where the
 * length is another. Never gives out nor holds more than `plainLength` and one buffer, whatever the payload says.
 */
export function decompress(codec: Exclude<BoxCodec, "plain">, payload: Uint8Array, plainLength: number): Uint8Array {
  const plain = decompressors[codec](payload, plainLength);
  if (plain.length !== plainLength) throw new RangeError(`${plain.length} bytes came out instead of ${plainLength}`);
  return plain;
}

/** As `decompress`, to the beginning of `target`, which has room for it. */
export function decompressInto(
  codec: Exclude<BoxCodec, "plain">,
  payload: Uint8Array,
  plainLength: number,
  target: Uint8Array,
): Uint8Array {
  const place = target.subarray(0, plainLength);
  if (codec === "zstd" && decompressContext().decompress(payload, place) === plainLength) return place;
  const plain = decompress(codec, payload, plainLength);
  place.set(plain);
  releaseWhole(plain);
  return place;
}

const decompressors: Record<Exclude<BoxCodec, "plain">, (payload: Uint8Array, plainLength: number) => Uint8Array> = {
  zstd: (payload, plainLength) => asBytes(zstdDecompressSync(payload, knownSize(plainLength))),
  gzip: (payload, plainLength) => asBytes(gunzipSync(payload, knownSize(plainLength))),
  lz4: (payload, plainLength) => {
    // A byte of an LZ4 block adds at most 255 bytes of output: no buffer is made for a size that cannot be.
    if (plainLength > payload.length * 255) throw new RangeError(`${payload.length} bytes cannot hold ${plainLength}`);
    const block = Buffer.allocUnsafe(lz4HeadBytes + payload.length);
    block.writeUInt32LE(plainLength, 0);
    block.set(payload, lz4HeadBytes);
    // A copy: the library's buffer cannot be transferred to another thread.
    return new Uint8Array(lz4().uncompressSync(block));
  },
};

/**
 * One output buffer of the known size: the default grows in steps of 16 KiB. Beyond 4 MiB it grows by that, so that a
 * size that is a lie costs no more than what really comes out.
 */
function knownSize(plainLength: number): { readonly chunkSize: number; readonly maxOutputLength: number } {
  const least = Math.max(plainLength, 64);
  return { chunkSize: Math.min(least, 4 * 1024 * 1024), maxOutputLength: least };
}

function asBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}

function bufferOn(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
