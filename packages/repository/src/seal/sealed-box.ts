import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { releaseBytes } from "../bytes/release-bytes.ts";
import type { FrameSealing } from "../types.ts";
import { type BoxCompression, boxCodecs, metadataCompression } from "./compression.ts";

/**
 * A box is how every sealed part of an object is stored (docs/repository-format.md, "Boxes"):
 * `body ‖ guard`, where body is `codec (1) ‖ plain length (4) ‖ payload`, encrypted when there is a key, and guard is the
 * AES-GCM tag (16 bytes) or, without a key, the first 32 bytes of BLAKE2b-512. Synchronous: for worker threads and for
 * parts of at most a few hundred KiB.
 */
export function sealBox(
  plain: Uint8Array,
  sealing: FrameSealing,
  compression: BoxCompression = metadataCompression,
): Uint8Array {
  const packed = compress(plain, compression);
  const payload = packed ?? plain;
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt8(boxCodecs[packed === null ? "plain" : compression.codec], 0);
  head.writeUInt32LE(plain.length, 1);
  const stored =
    sealing.key === null ? closeWithHash(head, payload, sealing) : encrypt(sealing.key, head, payload, sealing);
  if (packed !== null) releaseWhole(packed);
  return stored;
}

/** Null where that does not make it smaller: then it is stored as it is. */
function compress(plain: Uint8Array, { codec, level }: BoxCompression): Uint8Array | null {
  if (codec === "plain") return null;
  const packed = zstdCompressSync(plain, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    // One output buffer: what does not fit into it is not worth compressing and takes a second one.
    chunkSize: Math.max(plain.length, 64),
  });
  if (packed.length < plain.length) return packed;
  releaseWhole(packed);
  return null;
}

/** zlib's result is the beginning of a buffer of its own, as long as the chunk it was given, unless it is small. */
function releaseWhole(packed: Uint8Array): void {
  if (packed.byteOffset === 0 && packed.buffer.byteLength > Buffer.poolSize) {
    releaseBytes(new Uint8Array(packed.buffer));
  }
}

/** Thrown by `openBox`: what is stored is not what was stored. */
export class BoxDamaged extends Error {
  override readonly name = "BoxDamaged";
}

/** The plain bytes in a buffer of their own. Throws `BoxDamaged`. */
export function openBox(stored: Uint8Array, sealing: FrameSealing): Uint8Array {
  if (sealing.key === null) return unpack(checkHash(stored, sealing));
  const body = decrypt(sealing.key, stored, sealing);
  const plain = unpack(body);
  releaseBytes(body);
  return plain;
}

function unpack(body: Uint8Array): Uint8Array {
  if (body.length < headBytes) throw new BoxDamaged("it is too short");
  const view = Buffer.from(body.buffer, body.byteOffset, body.length);
  const plainLength = view.readUInt32LE(1);
  const payload = view.subarray(headBytes);
  const codec = view.readUInt8(0);
  if (codec === boxCodecs.plain) {
    if (payload.length !== plainLength) throw new BoxDamaged("its length is not the one it says");
    return new Uint8Array(payload);
  }
  if (codec !== boxCodecs.zstd) throw new BoxDamaged(`its codec ${codec} is unknown`);
  return decompress(payload, plainLength);
}

const headBytes = 5;
const tagBytes = 16;
const hashBytes = 32;

function encrypt(key: Uint8Array, head: Uint8Array, payload: Uint8Array, sealing: FrameSealing): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", key, sealing.nonce);
  cipher.setAAD(sealing.additionalData);
  const stored = new Uint8Array(headBytes + payload.length + tagBytes);
  stored.set(cipher.update(head), 0);
  const encrypted = cipher.update(payload);
  stored.set(encrypted, headBytes);
  releaseBytes(encrypted);
  cipher.final();
  stored.set(cipher.getAuthTag(), headBytes + payload.length);
  return stored;
}

function decrypt(key: Uint8Array, stored: Uint8Array, sealing: FrameSealing): Uint8Array {
  if (stored.length < tagBytes) throw new BoxDamaged("it is too short");
  const end = stored.length - tagBytes;
  const decipher = createDecipheriv("aes-256-gcm", key, sealing.nonce);
  decipher.setAAD(sealing.additionalData);
  decipher.setAuthTag(stored.subarray(end));
  const body = decipher.update(stored.subarray(0, end));
  try {
    decipher.final();
  } catch {
    // The only way `final` fails for GCM: the tag is not that of these bytes, key, nonce and place.
    throw new BoxDamaged("its authentication tag does not match");
  }
  return body;
}

function closeWithHash(head: Uint8Array, payload: Uint8Array, sealing: FrameSealing): Uint8Array {
  const stored = new Uint8Array(headBytes + payload.length + hashBytes);
  stored.set(head, 0);
  stored.set(payload, headBytes);
  const body = stored.subarray(0, headBytes + payload.length);
  stored.set(hashOf(body, sealing.additionalData), body.length);
  return stored;
}

function checkHash(stored: Uint8Array, sealing: FrameSealing): Uint8Array {
  if (stored.length < hashBytes) throw new BoxDamaged("it is too short");
  const body = stored.subarray(0, stored.length - hashBytes);
  if (!timingSafeEqual(hashOf(body, sealing.additionalData), stored.subarray(body.length))) {
    throw new BoxDamaged("its hash does not match");
  }
  return body;
}

/** The length in front keeps additional data and body apart. */
function hashOf(body: Uint8Array, additionalData: Uint8Array): Uint8Array {
  const length = Buffer.allocUnsafe(4);
  length.writeUInt32LE(additionalData.length);
  const hash = createHash("blake2b512").update(length).update(additionalData).update(body);
  return hash.digest().subarray(0, hashBytes);
}

function decompress(payload: Uint8Array, plainLength: number): Uint8Array {
  try {
    // One output buffer of the known size: the default grows in steps of 16 KiB. zlib's smallest is 64 bytes.
    const sizes = { chunkSize: Math.max(plainLength, 64), maxOutputLength: Math.max(plainLength, 64) };
    const plain = zstdDecompressSync(payload, sizes);
    if (plain.length === plainLength) return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch (cause) {
    throw new BoxDamaged("it cannot be decompressed", { cause });
  }
  throw new BoxDamaged("its length is not the one it says");
}
