import { createCipheriv, createDecipheriv, createHash, timingSafeEqual } from "node:crypto";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { frameBytes } from "../format.ts";
import type { FrameSealing } from "../types.ts";
import { codecOf, compress, decompress, decompressInto, releaseWhole } from "./codec.ts";
import { type BoxCodec, type BoxCompression, boxCodecs, metadataCompression } from "./compression.ts";
import { gmac, keyObjectOf } from "./gmac.ts";

/** Memory for boxes that are made one after another, and used before the next. */
export interface BoxRoom {
  /** Longer than the plain bytes by 64. */
  readonly apart: Uint8Array;
  /** In which the plain bytes themselves may lie, with as much before and behind them that is nobody's as a box adds. */
  readonly around?: Uint8Array;
}

/**
 * A box is how every sealed part of an object is stored (docs/repository-format.md, "Boxes"):
 * `body ‖ guard`, where body is `codec (1) ‖ plain length (4) ‖ payload`, encrypted when there is a key, and guard is the
 * AES-GCM tag (16 bytes) or, without a key, a GMAC (16 bytes), before version 3 the first 32 bytes of BLAKE2b-512.
 * Synchronous: for worker threads and for parts of at most a few hundred KiB. The result lies in `room`, when one is given.
 */
export function sealBox(
  plain: Uint8Array,
  sealing: FrameSealing,
  compression: BoxCompression = metadataCompression,
  room?: BoxRoom,
): Uint8Array {
  const packed = compress(plain, compression);
  const stored = sealPacked(
    plain,
    packed === null ? null : { codec: compression.codec, payload: packed },
    sealing,
    room,
  );
  if (packed !== null) releaseWhole(packed);
  return stored;
}

/** The same of what was compressed elsewhere; null: that is not smaller. */
export function sealPacked(
  plain: Uint8Array,
  packed: { readonly codec: BoxCodec; readonly payload: Uint8Array } | null,
  sealing: FrameSealing,
  room?: BoxRoom,
): Uint8Array {
  const { codec, payload } = packed ?? { codec: "plain", payload: plain };
  const head = boxHead(codec, plain.length);
  return sealing.key === null
    ? close(head, payload, sealing, room)
    : encrypt(sealing.key, head, payload, sealing, room?.apart);
}

/**
 * The same box in parts that follow each other: where it is neither compressed nor encrypted, and guarded without being in
 * one place, the plain bytes are one of them, as they are.
 */
export function sealBoxInParts(
  plain: Uint8Array,
  sealing: FrameSealing,
  compression: BoxCompression,
  room?: BoxRoom,
): readonly Uint8Array[] {
  const { key, guardKey } = sealing;
  if (key !== null || guardKey === undefined || compression.codec !== "plain") {
    return [sealBox(plain, sealing, compression, room)];
  }
  const head = boxHead("plain", plain.length);
  return [head, plain, gmac(guardKey, sealing.nonce, sealing.additionalData, head, plain)];
}

function boxHead(codec: BoxCodec, plainBytes: number): Uint8Array {
  const head = Buffer.allocUnsafe(headBytes);
  head.writeUInt8(boxCodecs[codec], 0);
  head.writeUInt32LE(plainBytes, 1);
  return head;
}

/** Thrown by `openBox`: what is stored is not what was stored. */
export class BoxDamaged extends Error {
  override readonly name = "BoxDamaged";
}

/**
 * The plain bytes in a buffer of their own. Throws `BoxDamaged`, also for a box that says it holds more than
 * `maxPlainBytes`: its guard proves nothing in a repository without encryption, where anyone can make one.
 */
export function openBox(
  stored: Uint8Array,
  sealing: FrameSealing,
  maxPlainBytes: number = largestBoxBytes,
): Uint8Array {
  if (sealing.key === null) return unpack(checkGuard(stored, sealing), maxPlainBytes);
  const body = decrypt(sealing.key, stored, sealing);
  const plain = unpack(body, maxPlainBytes);
  releaseBytes(body);
  return plain;
}

/**
 * The same box for another place, or another key, or none: its guard is checked, its payload stays as it was compressed.
 * Throws `BoxDamaged`.
 */
export function resealBox(stored: Uint8Array, from: FrameSealing, to: FrameSealing): Uint8Array {
  const body = from.key === null ? checkGuard(stored, from) : decrypt(from.key, stored, from);
  if (body.length < headBytes) throw new BoxDamaged("it is too short");
  const head = body.subarray(0, headBytes);
  const payload = body.subarray(headBytes);
  const resealed = to.key === null ? close(head, payload, to) : encrypt(to.key, head, payload, to);
  if (from.key !== null) releaseBytes(body);
  return resealed;
}

/** Whether a box is what was stored at this place, without decompressing it. Throws `BoxDamaged` when not. */
export function checkBox(stored: Uint8Array, sealing: FrameSealing): void {
  if (sealing.key === null) checkGuard(stored, sealing);
  else releaseBytes(decrypt(sealing.key, stored, sealing));
}

/** A frame, whose directory says how long it is: at most that, and never more than a frame can be. */
export function openFrameBox(stored: Uint8Array, sealing: FrameSealing, plainBytes: number): Uint8Array {
  return openBox(stored, sealing, Math.min(plainBytes, frameBytes));
}

/**
 * The same, to the beginning of `target`: a view on it, or on what is stored where that is the plain bytes. For threads
 * that open one frame after another.
 */
export function openFrameBoxInto(
  stored: Uint8Array,
  sealing: FrameSealing,
  plainBytes: number,
  target: Uint8Array,
): Uint8Array {
  const most = Math.min(plainBytes, frameBytes, target.length);
  if (sealing.key === null) return unpack(checkGuard(stored, sealing), most, target, true);
  const body = decrypt(sealing.key, stored, sealing);
  const plain = unpack(body, most, target);
  releaseBytes(body);
  return plain;
}

/** The largest box there is: the index of a manifest that points into a million packs. */
const largestBoxBytes = 1024 * 1024 * 1024;

/** `stays`: the body lasts as long as the target does. */
function unpack(body: Uint8Array, maxPlainBytes: number, target: Uint8Array | null = null, stays = false): Uint8Array {
  if (body.length < headBytes) throw new BoxDamaged("it is too short");
  const plainLength = readLength(body, 1);
  if (plainLength > maxPlainBytes) {
    throw new BoxDamaged(`it says it holds ${plainLength} bytes, where ${maxPlainBytes} is the most there can be`);
  }
  const payload = body.subarray(headBytes);
  const codec = codecOf(body[0] ?? -1);
  if (codec === null) throw new BoxDamaged(`its codec ${body[0]} is unknown`);
  if (codec === "plain") {
    if (payload.length !== plainLength) throw new BoxDamaged("its length is not the one it says");
    if (stays) return payload;
    if (target === null) return new Uint8Array(payload);
    target.set(payload);
    return target.subarray(0, plainLength);
  }
  try {
    return target === null
      ? decompress(codec, payload, plainLength)
      : decompressInto(codec, payload, plainLength, target);
  } catch (cause) {
    throw new BoxDamaged("it cannot be decompressed to the length it says", { cause });
  }
}

/** Four bytes, the least first, without a view made for them: of every frame. */
function readLength(bytes: Uint8Array, at: number): number {
  const [low = 0, second = 0, third = 0, high = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return low + second * 0x100 + third * 0x1_0000 + high * 0x100_0000;
}

const headBytes = 5;
const tagBytes = 16;
const hashBytes = 32;
/** Of the additional data's length, in front of them where they are hashed. */
const lengthBytes = 4;

function encrypt(
  key: Uint8Array,
  head: Uint8Array,
  payload: Uint8Array,
  sealing: FrameSealing,
  room?: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv("aes-256-gcm", keyObjectOf(key), sealing.nonce);
  cipher.setAAD(sealing.additionalData);
  const length = headBytes + payload.length + tagBytes;
  const stored = room?.subarray(0, length) ?? new Uint8Array(length);
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
  const decipher = createDecipheriv("aes-256-gcm", keyObjectOf(key), sealing.nonce);
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

function close(head: Uint8Array, payload: Uint8Array, sealing: FrameSealing, room?: BoxRoom): Uint8Array {
  const bodyBytes = headBytes + payload.length;
  const stored = placeFor(payload, bodyBytes + guardBytes(sealing), room);
  stored.set(head, 0);
  if (stored.buffer !== payload.buffer || stored.byteOffset + headBytes !== payload.byteOffset) {
    stored.set(payload, headBytes);
  }
  stored.set(guardOf(stored.subarray(0, bodyBytes), sealing), bodyBytes);
  return stored;
}

/** Round the payload where it may be, so that it stays where it is. */
function placeFor(payload: Uint8Array, length: number, room?: BoxRoom): Uint8Array {
  if (room === undefined) return new Uint8Array(length);
  const { around, apart } = room;
  if (around?.buffer === payload.buffer) {
    const from = payload.byteOffset - around.byteOffset - headBytes;
    if (from >= 0 && from + length <= around.length) return around.subarray(from, from + length);
  }
  return apart.subarray(0, length);
}

/** The body, of a box without a key. */
function checkGuard(stored: Uint8Array, sealing: FrameSealing): Uint8Array {
  const length = stored.length - guardBytes(sealing);
  if (length < 0) throw new BoxDamaged("it is too short");
  const body = stored.subarray(0, length);
  if (!timingSafeEqual(guardOf(body, sealing), stored.subarray(length))) {
    throw new BoxDamaged(`its ${sealing.guardKey === undefined ? "hash" : "guard"} does not match`);
  }
  return body;
}

function guardBytes({ guardKey }: FrameSealing): number {
  return guardKey === undefined ? hashBytes : tagBytes;
}

/**
 * That nobody can make one is more than a guard without a secret can promise, hashed or not: it finds damage, and what lies
 * in another place than it was made for.
 */
function guardOf(body: Uint8Array, { nonce, additionalData, guardKey }: FrameSealing): Uint8Array {
  // The place ends in a number and a body begins with a codec's, which is no digit: they cannot be taken for each other.
  if (guardKey !== undefined) return gmac(guardKey, nonce, additionalData, body);
  const length = Buffer.allocUnsafe(lengthBytes);
  length.writeUInt32LE(additionalData.length);
  // The length keeps additional data and body apart.
  return createHash("blake2b512").update(length).update(additionalData).update(body).digest().subarray(0, hashBytes);
}
