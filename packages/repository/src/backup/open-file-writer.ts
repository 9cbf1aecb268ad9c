import { AppError } from "@tidemark/kit";
import { copyBytes } from "../bytes/copy-bytes.ts";
import { bundledFileBytes, frameBytes } from "../format.ts";
import type { FrameExtent, ParentFile } from "../manifests/parent-file.ts";
import type { ReadableFile, WholeFileWriter } from "../types.ts";
import type { PendingFile } from "./entry-queue.ts";
import { type BundledPart, bundleOf, type FileSlicer } from "./file-slicer.ts";

/** Takes the bytes of one file in order. */
export class OpenFileWriter implements WholeFileWriter {
  /** Set when `end` was called. */
  isEnded = false;
  readonly #slicer: FileSlicer;
  readonly #file: PendingFile;
  readonly #sizeBytes: number;
  readonly #parent: ParentFile | null;
  /** The frame that fills, or the file's place in the bundle. */
  #target: Uint8Array | null = null;
  #filled = 0;
  #given = 0;

  constructor(slicer: FileSlicer, file: PendingFile, sizeBytes: number, parent: ParentFile | null) {
    this.#slicer = slicer;
    this.#file = file;
    this.#sizeBytes = sizeBytes;
    this.#parent = parent;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    try {
      this.#assertWritable(chunk.length);
      this.#slicer.readBytes += chunk.length;
      return this.#writeOn(chunk, 0);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #assertWritable(lengthBytes: number): void {
    if (this.isEnded) throw new AppError("internal", { message: `${nameOf(this.#file)} was written to after its end` });
    if (this.#given + lengthBytes > this.#sizeBytes) throw this.#wrongSize(this.#given + lengthBytes);
  }

  /** Without a promise as long as there is nothing to wait for, which most chunks have. */
  #writeOn(chunk: Uint8Array, from: number): Promise<void> | undefined {
    for (let at = from; at < chunk.length; ) {
      this.#target ??= this.#targetAtHand();
      if (this.#target === null) return this.#makeTarget().then(() => this.#writeOn(chunk, at));
      const taken = Math.min(chunk.length - at, this.#target.length - this.#filled);
      this.#fill(this.#target, chunk, at, at + taken);
      at += taken;
      if (this.#filled < this.#target.length) continue;
      const completed = this.#complete(this.#target);
      if (completed !== undefined)
        return at < chunk.length ? completed.then(() => this.#writeOn(chunk, at)) : completed;
    }
    return undefined;
  }

  #fill(target: Uint8Array, chunk: Uint8Array, from: number, to: number): void {
    copyBytes(chunk, target, this.#filled, from, to);
    this.#filled += to - from;
    this.#given += to - from;
  }

  async writeFrom(file: ReadableFile, lengthBytes: number): Promise<void> {
    this.#assertWritable(lengthBytes);
    const to = this.#given + lengthBytes;
    if (to < this.#sizeBytes && to % frameBytes !== 0) {
      throw new RangeError(`${nameOf(this.#file)} cannot be read up to ${to}, inside a frame`);
    }
    this.#slicer.readBytes += lengthBytes;
    while (this.#given < to) {
      const fileOffset = this.#given;
      const frameLength = Math.min(frameBytes, to - fileOffset);
      this.#given += frameLength;
      const known = this.#parentAtHand(fileOffset, frameLength);
      const parent = known === undefined ? await this.#parentRun(fileOffset, frameLength) : known;
      const sent = this.#slicer.readFrame(this.#file, file, frameLength, { fileOffset, parent });
      if (sent !== undefined) await sent;
    }
  }

  async end(): Promise<void> {
    if (this.isEnded) return;
    if (this.#given !== this.#sizeBytes) throw this.#wrongSize(this.#given);
    this.isEnded = true;
    this.#file.ended = true;
    this.#slicer.flushQueue();
  }

  /** Every target is exactly as long as the bytes that are still to come for it. Null where a bundle must go first. */
  #targetAtHand(): Uint8Array | null {
    this.#filled = 0;
    if (isBundled(this.#sizeBytes)) {
      return this.#slicer.bundleSpaceLeft(this.#sizeBytes, bundleOf(this.#sizeBytes), 1);
    }
    return this.#slicer.takeBuffer().subarray(0, Math.min(frameBytes, this.#sizeBytes - this.#given));
  }

  async #makeTarget(): Promise<void> {
    this.#target = await this.#slicer.bundleSpace(this.#sizeBytes);
  }

  #complete(target: Uint8Array): Promise<void> | undefined {
    this.#target = null;
    const fileOffset = this.#given - target.length;
    const parent = this.#parentAtHand(fileOffset, target.length);
    if (parent !== undefined) return this.#add(target, { fileOffset, parent });
    return this.#parentRun(fileOffset, target.length).then((run) => this.#add(target, { fileOffset, parent: run }));
  }

  #add(target: Uint8Array, part: BundledPart): Promise<void> | undefined {
    if (!isBundled(this.#sizeBytes)) return this.#slicer.addFrame(this.#file, target, part);
    this.#slicer.addToBundle(this.#file, target, part);
    return undefined;
  }

  /** Undefined where the parent's manifest must be read for it. */
  #parentAtHand(fileOffset: number, lengthBytes: number): FrameExtent | null | undefined {
    return this.#parent === null ? null : this.#slicer.parentRunAtHand(this.#parent, fileOffset, lengthBytes);
  }

  #parentRun(fileOffset: number, lengthBytes: number): Promise<FrameExtent | null> {
    return this.#slicer.parentRun(this.#parent, fileOffset, lengthBytes);
  }

  #wrongSize(givenBytes: number): AppError {
    return wrongSize(this.#file, this.#sizeBytes, givenBytes);
  }
}

/** Whether a file of this size shares frames with others. */
export function isBundled(sizeBytes: number): boolean {
  return sizeBytes <= bundledFileBytes;
}

export function wrongSize(file: PendingFile, announced: number, given: number): AppError {
  const name = nameOf(file);
  return new AppError("backup-stream-damaged", {
    message: `${name} was announced with ${announced} bytes and came with ${given}`,
    hint: "the backup is not usable and is discarded; earlier backups are untouched",
    context: { path: name, announced, given },
  });
}

export function nameOf({ file }: PendingFile): string {
  return Buffer.from(file.path).toString();
}
