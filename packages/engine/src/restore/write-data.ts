import { AppError, crc32c } from "@tidemark/kit";
import type { FrameSource, ManifestReader } from "@tidemark/repository";
import type { ProgressMeter } from "../act.ts";
import { transferOf } from "../frames/batch-bytes.ts";
import type { PlaceTable } from "../frames/place-table.ts";
import { type Place, placeWords, readPlace } from "../frames/place-words.ts";
import { type FrameBatch, fetchBatch, type LostFrames, tourFrames } from "../frames/tour-frames.ts";
import { blocksOf, sayBlocks } from "../verify/say-blocks.ts";
import type { RestoredTree, TargetThreads } from "./restore-tree.ts";

export interface DataRequest {
  readonly manifest: ManifestReader;
  readonly frames: FrameSource;
  readonly places: PlaceTable;
  readonly tree: RestoredTree;
  readonly threads: TargetThreads;
  readonly progress: ProgressMeter;
  /** Called before each range of frames is handed on. */
  readonly onRange: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Fetches every frame once and has it opened and written by the threads. A frame that a thread could not open is read
 * once more through the careful way (which may have a second repository behind it) before the restore gives up.
 * Gives the bytes written. Throws `backup-damaged` naming file and blocks.
 */
export async function writeData(request: DataRequest): Promise<bigint> {
  const writer = new DataWriter(request);
  const { frames, places, signal } = request;
  await tourFrames({ frames, packs: places.packs(), wholePacks: false, signal, packsInFlight }, writer);
  await writer.finish();
  return writer.writtenBytes;
}

class DataWriter {
  readonly #request: DataRequest;
  readonly #running = new Set<Promise<void>>();
  #failure: { readonly error: unknown } | null = null;
  writtenBytes = 0n;

  constructor(request: DataRequest) {
    this.#request = request;
  }

  async visit(batch: FrameBatch, reader?: number): Promise<void> {
    this.#throwFailure();
    await this.#request.onRange();
    const files = this.#filesOf(batch.places);
    const { reply } = await this.#request.threads.start({ kind: "write", batch, files }, transferOf(batch), reader);
    const task: Promise<void> = reply
      .then(async (written) => {
        if (written.kind === "unread") return await fetchBatch(this.#request, batch, this);
        if (written.kind !== "written") throw new TypeError("frames were not written");
        this.writtenBytes += BigInt(written.bytes);
        for (const { frameIndex, reason } of written.refused) {
          await this.#rescue(batch.packId, frameIndex, reason, placesOfFrame(batch, frameIndex));
        }
        this.#request.progress.add(sumLengths(batch.places));
      })
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#running.delete(task));
    this.#running.add(task);
  }

  async lost({ packId, frameIndexes, reason, places }: LostFrames): Promise<void> {
    for (const frameIndex of frameIndexes) {
      const { from, to } = places.range(frameIndex);
      const words = places.words.subarray(from * placeWords, to * placeWords);
      await this.#rescue(packId, frameIndex, reason, words);
      this.#request.progress.add(sumLengths(words));
    }
  }

  async finish(): Promise<void> {
    // What a thread could not read comes once more.
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#throwFailure();
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  #filesOf(words: Uint32Array): ReadonlyMap<number, string> {
    const files = new Map<number, string>();
    for (let at = 0; at < words.length; at += placeWords) {
      const { fileIndex } = readPlace(words, at);
      if (files.has(fileIndex)) continue;
      const place = this.#request.tree.files[fileIndex]?.place ?? null;
      if (place !== null) files.set(fileIndex, place);
    }
    return files;
  }

  async #rescue(packId: string, frameIndex: number, reason: string, words: Uint32Array): Promise<void> {
    const first = words.length === 0 ? null : readPlace(words, 0);
    if (first === null) return;
    for await (const opened of this.#request.frames.readFrames(packId, [frameIndex], this.#request.signal)) {
      if (opened.kind === "damaged") throw await this.#damaged(packId, first, opened.reason);
      for (let at = 0; at < words.length; at += placeWords) {
        const place = readPlace(words, at);
        const bytes = opened.plain.slice(place.offsetInFrame, place.offsetInFrame + place.lengthBytes);
        if (bytes.length !== place.lengthBytes || crc32c(bytes) !== place.crc32c) {
          throw await this.#damaged(packId, place, `the bytes in pack ${packId} are not those the manifest names`);
        }
        await this.#writePlain(place, bytes);
      }
      return;
    }
    throw await this.#damaged(packId, first, reason);
  }

  async #writePlain({ fileIndex, fileOffset }: Place, bytes: Uint8Array): Promise<void> {
    const place = this.#request.tree.files[fileIndex]?.place ?? null;
    if (place === null) return;
    await this.#request.threads.run({ kind: "write-plain", place, position: fileOffset, bytes });
    this.writtenBytes += BigInt(bytes.length);
  }

  async #damaged(packId: string, place: Place, why: string): Promise<AppError> {
    const { manifest } = this.#request;
    const { facts, backupId } = manifest.backup;
    const path = await pathOfFile(manifest, place.fileIndex);
    return new AppError("backup-damaged", {
      message: `${path}, ${sayBlocks(blocksOf(place, facts.blockSize))} cannot be restored: ${why}`,
      hint: `the folder stays marked as unfinished; verify backup ${backupId} for the whole extent, and restore another one`,
      context: { packId, file: path, backupId },
    });
  }
}

function placesOfFrame(batch: FrameBatch, frameIndex: number): Uint32Array {
  let at = 0;
  for (const frame of batch.frames) {
    const length = frame.placeCount * placeWords;
    if (frame.frameIndex === frameIndex) return batch.places.subarray(at, at + length);
    at += length;
  }
  return new Uint32Array(0);
}

function sumLengths(words: Uint32Array): number {
  let sum = 0;
  for (let at = 0; at < words.length; at += placeWords) sum += words[at + 4] as number;
  return sum;
}

/** Only asked when something is wrong, so nobody has to keep the paths. */
export async function pathOfFile(manifest: ManifestReader, fileIndex: number): Promise<string> {
  let index = 0;
  for await (const { path } of manifest.files()) {
    if (index++ === fileIndex) return Buffer.from(path).toString("utf8");
  }
  return `file ${fileIndex} of the manifest`;
}

/** Two: while one pack's frames are written, the next one is fetched. */
const packsInFlight = 2;
