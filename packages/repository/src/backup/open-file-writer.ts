import { AppError } from "@tidemark/kit";
import { copyBytes } from "../bytes/copy-bytes.ts";
import { bundledFileBytes, frameBytes } from "../format.ts";
import type { ParentFile } from "../manifests/parent-file.ts";
import type { ReadableFile, WholeFileWriter } from "../types.ts";
import type { PendingFile } from "./entry-queue.ts";
import type { FileSlicer } from "./file-slicer.ts";

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
    const left = (this.#target?.length ?? 0) - this.#filled;
    if (this.#target === null || chunk.length >= left || this.isEnded) return this.#writeOn(chunk);
    // Most chunks of a stream: they only fill the frame further.
    this.#slicer.readBytes += chunk.length;
    this.#fill(this.#target, chunk, 0, chunk.length);
    return undefined;
  }

  async #writeOn(chunk: Uint8Array): Promise<void> {
    if (this.isEnded) throw new AppError("internal", { message: `${nameOf(this.#file)} was written to after its end` });
    if (this.#given + chunk.length > this.#sizeBytes) throw this.#wrongSize(this.#given + chunk.length);
    this.#slicer.readBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      this.#target ??= await this.#nextTarget();
      const taken = Math.min(chunk.length - at, this.#target.length - this.#filled);
      this.#fill(this.#target, chunk, at, at + taken);
      at += taken;
      if (this.#filled === this.#target.length) await this.#complete(this.#target);
    }
  }

  #fill(target: Uint8Array, chunk: Uint8Array, from: number, to: number): void {
    copyBytes(chunk, target, this.#filled, from, to);
    this.#filled += to - from;
    this.#given += to - from;
  }

  async writeFrom(file: ReadableFile, lengthBytes: number): Promise<void> {
    if (this.isEnded) throw new AppError("internal", { message: `${nameOf(this.#file)} was written to after its end` });
    const to = this.#given + lengthBytes;
    if (to > this.#sizeBytes) throw this.#wrongSize(to);
    if (to < this.#sizeBytes && to % frameBytes !== 0) {
      throw new RangeError(`${nameOf(this.#file)} cannot be read up to ${to}, inside a frame`);
    }
    this.#slicer.readBytes += lengthBytes;
    while (this.#given < to) {
      const fileOffset = this.#given;
      const frameLength = Math.min(frameBytes, to - fileOffset);
      this.#given += frameLength;
      const parent = await this.#slicer.parentRun(this.#parent, fileOffset, frameLength);
      await this.#slicer.readFrame(this.#file, file, frameLength, { fileOffset, parent });
    }
  }

  async end(): Promise<void> {
    if (this.isEnded) return;
    if (this.#given !== this.#sizeBytes) throw this.#wrongSize(this.#given);
    this.isEnded = true;
    this.#file.ended = true;
    this.#slicer.flushQueue();
  }

  /** Every target is exactly as long as the bytes that are still to come for it. */
  async #nextTarget(): Promise<Uint8Array> {
    this.#filled = 0;
    if (isBundled(this.#sizeBytes)) return this.#slicer.bundleSpace(this.#sizeBytes);
    return this.#slicer.takeBuffer().subarray(0, Math.min(frameBytes, this.#sizeBytes - this.#given));
  }

  async #complete(target: Uint8Array): Promise<void> {
    this.#target = null;
    const fileOffset = this.#given - target.length;
    const parent = await this.#slicer.parentRun(this.#parent, fileOffset, target.length);
    if (isBundled(this.#sizeBytes)) this.#slicer.addToBundle(this.#file, target, { fileOffset, parent });
    else await this.#slicer.addFrame(this.#file, target, { fileOffset, parent });
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
