import { AppError, joinCleanup } from "@tidemark/kit";
import { ByteReader } from "../bytes/byte-reader.ts";
import { ByteWriter } from "../bytes/byte-writer.ts";
import { releaseBytes } from "../bytes/release-bytes.ts";
import { copiedVersion, magic } from "../format.ts";
import {
  type DirectoryEntry,
  decodeDirectory,
  directoryHeadBytes,
  entryBytes,
  type PackDirectory,
  packHeaderBytes,
} from "../packs/pack-directory.ts";
import { packKey } from "../paths.ts";
import { newSeal, type RepositoryContext } from "../repository-context.ts";
import { damagedObject, decodePrefix, encodePrefix, type ObjectSeal, prefixBytes } from "../seal/object-seal.ts";
import { encodeTrailer, getRange, readTail } from "../seal/object-trailer.ts";
import { BoxDamaged, checkBox, resealBox, sealBox } from "../seal/sealed-box.ts";
import type { FrameSealing } from "../types.ts";

/** Bytes fetched at once. Sealing that many takes about 20 ms, so the event loop is never held for long. */
const rangeBytes = 4 * 1024 * 1024;

/** A pack as it lies in a repository, with its directory open. */
export interface SourcePack {
  readonly context: RepositoryContext;
  readonly key: string;
  readonly sizeBytes: number;
  readonly formatVersion: number;
  readonly directory: PackDirectory;
  /** The directory's plain bytes. */
  readonly directoryBytes: Uint8Array;
  /** Pack id and writer's id, as they stand behind the prefix. */
  readonly names: Uint8Array;
}

/** Throws `object-missing` or `object-damaged`, or what the store says when it could not be asked. */
export async function openSourcePack(
  context: RepositoryContext,
  serverId: string,
  packId: string,
  signal?: AbortSignal,
): Promise<SourcePack> {
  const key = packKey(serverId, packId);
  const tail = await readTail(context, key, magic.packEnd, "directory", signal);
  const directory = decodeDirectory(tail, key);
  const head = await getRange(context.store, key, 0, packHeaderBytes, signal);
  const prefix = decodePrefix(head, key);
  const names = head.slice(prefixBytes);
  const { trailer } = tail;
  const sameEnds = Buffer.from(prefix.salt).equals(trailer.salt) && prefix.keyId === trailer.keyId;
  if (prefix.magic !== magic.pack || !sameEnds) throw damagedObject(key, "its two ends belong to different objects");
  if (new ByteReader(names).fixedText(32) !== packId) throw damagedObject(key, "it is another pack than its name says");
  const { sizeBytes, lastBox: directoryBytes } = tail;
  return { context, key, sizeBytes, formatVersion: trailer.formatVersion, directory, directoryBytes, names };
}

export interface PackCopy {
  /** Called with the bytes of each part that was read or written. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Waited for before each part that is read and written, or read back: keeps a copy below a rate. */
  readonly pace?: ((bytes: number) => Promise<void>) | undefined;
}

/**
 * Puts a pack into another repository under the same id: every frame is opened, its guard checked, and sealed for its new
 * place as it is, without decompressing; frames keep their index and number, the directory its checksums. Then the whole
 * object is read back and every guard checked. Memory: two ranges. Throws `object-exists` when it is there already, and
 * `pack-damaged` when the source is (nothing is left at the target then).
 */
export async function copyPack(
  source: SourcePack,
  target: RepositoryContext,
  serverId: string,
  packId: string,
  options: PackCopy,
): Promise<number> {
  const key = packKey(serverId, packId);
  const sealed = new ResealedPack(source, sealOfCopy(source, target, key), options);
  await target.step("copy:before-pack");
  const { sizeBytes } = await target.store.put(key, sealed, signalOf(options));
  try {
    if (sizeBytes !== sealed.sizeBytes) {
      throw new AppError("storage-failed", { message: `${key}: ${sizeBytes} of ${sealed.sizeBytes} bytes were taken` });
    }
    await target.step("copy:before-check");
    await checkPack(target, serverId, packId, options);
  } catch (error) {
    // A copy that is not what was sent is worth nothing, and would be taken for one the next time.
    if (!(error instanceof AppError) || !spoiled.has(error.code)) throw error;
    throw await joinCleanup(notKept(target, key, error), () => target.store.delete(key));
  }
  await target.step("copy:after-pack");
  return sizeBytes;
}

function sealOfCopy({ formatVersion }: SourcePack, target: RepositoryContext, key: string): ObjectSeal {
  return newSeal(target, key, copiedVersion(formatVersion, target.keyring !== null));
}

const spoiled: ReadonlySet<string> = new Set(["storage-failed", "object-damaged", "pack-damaged", "object-missing"]);

/** What was put comes back otherwise or not at all: the target's fault, whatever the reading of it says. */
export function notKept(target: RepositoryContext, key: string, cause: AppError): AppError {
  return new AppError("storage-failed", {
    message: `${target.store.location} did not keep ${key} as it was sent: ${cause.message}`,
    hint: "the source is untouched; check the storage there, then copy again",
    context: { key },
    cause,
  });
}

/**
 * Throws `storage-failed` where a store gives fewer bytes of an object than it says it holds: then what looks damaged may be
 * whole, and nothing of it is to be removed.
 */
export async function assertGivesAll(context: RepositoryContext, key: string): Promise<void> {
  const facts = await context.store.stat(key);
  if (facts === null) return;
  const length = Math.min(facts.sizeBytes, rangeBytes);
  const { length: given } = await context.store.get(key, { range: { offset: 0, length } });
  if (given >= length) return;
  throw new AppError("storage-failed", {
    message: `${context.store.location} gives ${given} of ${length} bytes of ${key}`,
    hint: "nothing was changed; check the storage",
    context: { key },
  });
}

/** Reads a pack and checks the guard of its directory and of every frame. Throws `object-damaged` or `object-missing`. */
export async function checkPack(
  context: RepositoryContext,
  serverId: string,
  packId: string,
  options: PackCopy = {},
): Promise<void> {
  const pack = await openSourcePack(context, serverId, packId, options.signal);
  for (const range of rangesOf(pack)) {
    await options.pace?.(range.length);
    const bytes = await getRange(context.store, pack.key, range.offset, range.length, options.signal);
    for (const { index, entry } of range.frames) {
      const stored = bytes.subarray(entry.offset - range.offset, entry.offset - range.offset + entry.storedBytes);
      withFrame(pack.key, index, () => checkBox(stored, pack.directory.seal.part("frame", entry.number)));
    }
    releaseBytes(bytes);
  }
}

/** Whether both hold the same frames in the same order; what is stored differs by key and salt. */
export function sameFrames(one: PackDirectory, other: PackDirectory): boolean {
  if (one.frameCount !== other.frameCount) return false;
  for (let index = 0; index < one.frameCount; index++) {
    const [a, b] = [one.entry(index), other.entry(index)];
    if (a?.plainBytes !== b?.plainBytes || a?.crc32c !== b?.crc32c || a?.number !== b?.number) return false;
  }
  return true;
}

/** The bytes of the copy. A store that retries sends them again from the beginning: they are the same bytes then. */
class ResealedPack implements AsyncIterable<Uint8Array> {
  /** Known once all was sent. */
  sizeBytes = 0;
  readonly #source: SourcePack;
  readonly #seal: ObjectSeal;
  readonly #options: PackCopy;

  constructor(source: SourcePack, seal: ObjectSeal, options: PackCopy) {
    this.#source = source;
    this.#seal = seal;
    this.#options = options;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    const { names, directory } = this.#source;
    const { facts } = this.#seal;
    const places: Uint8Array[] = [];
    let offset = packHeaderBytes;
    yield encodePrefix(magic.pack, facts, 0);
    yield names;
    for (const range of rangesOf(this.#source)) {
      for (const { index, stored } of await this.#resealRange(range)) {
        places[index] = placeOf(offset, stored);
        offset += stored.length;
        yield stored;
      }
    }
    const box = sealBox(this.#directoryWith(places), this.#seal.part("directory", 0));
    const last = { lastBoxOffset: offset, lastBoxBytes: box.length, count: directory.frameCount };
    const trailer = encodeTrailer(magic.packEnd, { ...facts, ...last });
    yield box;
    yield trailer;
    this.sizeBytes = offset + box.length + trailer.length;
  }

  async #resealRange(range: PackRange): Promise<{ readonly index: number; readonly stored: Uint8Array }[]> {
    const { context, key, directory } = this.#source;
    const { onBytes, pace, signal } = this.#options;
    await pace?.(range.length);
    const bytes = await getRange(context.store, key, range.offset, range.length, signal);
    const frames = range.frames.map(({ index, entry }) => {
      const at = entry.offset - range.offset;
      const [from, to] = [directory.seal, this.#seal].map((seal) => seal.part("frame", entry.number)) as Sealings;
      const stored = withFrame(key, index, () => resealBox(bytes.subarray(at, at + entry.storedBytes), from, to));
      return { index, stored };
    });
    onBytes?.(bytes.length);
    releaseBytes(bytes);
    return frames;
  }

  /** Offset, stored length and the last bytes are new; number, checksums and fingerprints stay. */
  #directoryWith(places: readonly Uint8Array[]): Uint8Array {
    const bytes = new Uint8Array(this.#source.directoryBytes);
    for (const [index, place] of places.entries()) {
      const at = directoryHeadBytes + index * entryBytes;
      bytes.set(place.subarray(0, 12), at);
      bytes.set(place.subarray(12), at + entryBytes - 16);
    }
    return bytes;
  }
}

type Sealings = [FrameSealing, FrameSealing];

/** Offset (8), stored length (4) and the last 16 bytes of a frame. */
function placeOf(offset: number, stored: Uint8Array): Uint8Array {
  return new ByteWriter(28)
    .u64(offset)
    .u32(stored.length)
    .bytes(stored.subarray(stored.length - 16))
    .take();
}

interface PackRange {
  readonly offset: number;
  readonly length: number;
  readonly frames: readonly { readonly index: number; readonly entry: DirectoryEntry }[];
}

/** All frames in the order they lie in, some MiB at a time. */
function rangesOf({ directory, key }: SourcePack): PackRange[] {
  const frames = Array.from({ length: directory.frameCount }, (_, index) => {
    const entry = directory.entry(index);
    if (entry === undefined) throw damagedObject(key, `its directory has no frame ${index}`);
    return { index, entry };
  }).sort((a, b) => a.entry.offset - b.entry.offset);
  const ranges: { offset: number; length: number; frames: typeof frames }[] = [];
  for (const frame of frames) {
    const { offset, storedBytes } = frame.entry;
    const last = ranges.at(-1);
    if (last !== undefined && offset + storedBytes - last.offset <= rangeBytes && offset >= last.offset + last.length) {
      last.length = offset + storedBytes - last.offset;
      last.frames.push(frame);
    } else {
      ranges.push({ offset, length: storedBytes, frames: [frame] });
    }
  }
  return ranges;
}

function withFrame<T>(key: string, index: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof BoxDamaged)) throw error;
    throw damagedObject(key, `frame ${index}: ${error.message}`, error);
  }
}

function signalOf({ signal }: PackCopy): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
