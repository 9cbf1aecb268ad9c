import { AppError } from "@tidemark/kit";
import { bundledFileBytes, bundleParts, frameBytes } from "../format.ts";
import { isLostManifest } from "../manifests/manifest-object.ts";
import type { FrameExtent, ParentFile, ParentIndex } from "../manifests/parent-index.ts";
import type { FileWriter, NewFile } from "../types.ts";
import { crcOfZeros, type EntryQueue, isAllZeros, PendingFile } from "./entry-queue.ts";
import type { DispatchedPart, FrameDispatcher } from "./frame-dispatcher.ts";

export interface SlicerParts {
  readonly dispatcher: FrameDispatcher;
  readonly queue: EntryQueue;
  readonly parent: ParentIndex | null;
  /** Whether a pack's frames may be referenced. */
  readonly isUsable: (packId: string) => boolean;
}

/** Cuts files into frames: large ones at multiples of the frame size, small ones together into bundles. */
export class FileSlicer {
  readBytes = 0n;
  /** Why the parent is not asked any more. */
  parentProblem: string | null = null;
  readonly #parts: SlicerParts;
  #bundle: { readonly buffer: Uint8Array; used: number; readonly parts: DispatchedPart[] } | null = null;

  constructor(parts: SlicerParts) {
    this.#parts = parts;
  }

  async begin(file: NewFile): Promise<OpenFileWriter> {
    const parent = await this.#ask((index) => index.file(file.path));
    const pending = new PendingFile(file);
    this.#parts.queue.addFile(pending);
    const sizeBytes = Number(file.sizeBytes);
    if (sizeBytes > 0 && sizeBytes <= bundledFileBytes && this.#isBundleFull(sizeBytes)) await this.flushBundle();
    return new OpenFileWriter(this, pending, sizeBytes, parent);
  }

  /** Where the next bytes of a small file go: behind the others in the bundle. */
  bundleSpace(sizeBytes: number): Uint8Array {
    this.#bundle ??= { buffer: this.takeBuffer(), used: 0, parts: [] };
    return this.#bundle.buffer.subarray(this.#bundle.used, this.#bundle.used + sizeBytes);
  }

  /** Keeps the bytes just written to `bundleSpace`. */
  async addToBundle(file: PendingFile, bytes: Uint8Array, parent: ParentFile | null): Promise<void> {
    if (this.#bundle === null || isAllZeros(bytes)) return this.addZeros(file, 0, bytes.length);
    const run = file.beginRun();
    const part = {
      file,
      run,
      fileOffset: 0,
      lengthBytes: bytes.length,
      parent: await this.#parentRun(parent, 0, bytes.length),
    };
    this.#bundle.parts.push(part);
    this.#bundle.used += bytes.length;
  }

  async addFrame(file: PendingFile, bytes: Uint8Array, fileOffset: number, parent: ParentFile | null): Promise<void> {
    if (isAllZeros(bytes)) {
      this.#parts.dispatcher.giveBuffer(new Uint8Array(bytes.buffer));
      return this.addZeros(file, fileOffset, bytes.length);
    }
    const run = file.beginRun();
    const parentRun = await this.#parentRun(parent, fileOffset, bytes.length);
    await this.#parts.dispatcher.dispatch(bytes, [
      { file, run, fileOffset, lengthBytes: bytes.length, parent: parentRun },
    ]);
  }

  addZeros(file: PendingFile, fileOffset: number, lengthBytes: number): void {
    const extent = { kind: "zeros", fileOffset: BigInt(fileOffset), lengthBytes: BigInt(lengthBytes) } as const;
    file.finishRun(file.beginRun(), { extent, crc32c: crcOfZeros(lengthBytes), findings: [] });
  }

  takeBuffer(): Uint8Array {
    return this.#parts.dispatcher.takeBuffer();
  }

  flushQueue(): void {
    this.#parts.queue.flush();
  }

  /** Sends what small files have gathered. */
  async flushBundle(): Promise<void> {
    const bundle = this.#bundle;
    this.#bundle = null;
    if (bundle === null || bundle.parts.length === 0) return;
    await this.#parts.dispatcher.dispatch(bundle.buffer.subarray(0, bundle.used), bundle.parts);
  }

  #isBundleFull(sizeBytes: number): boolean {
    if (this.#bundle === null) return false;
    return this.#bundle.used + sizeBytes > frameBytes || this.#bundle.parts.length >= bundleParts;
  }

  /** A parent that was deleted meanwhile, or is damaged, costs space and not the backup. */
  async #ask<T>(question: (index: ParentIndex) => Promise<T | null>): Promise<T | null> {
    if (this.#parts.parent === null || this.parentProblem !== null) return null;
    try {
      return await question(this.#parts.parent);
    } catch (error) {
      if (!isLostManifest(error)) throw error;
      this.parentProblem = error.message;
      return null;
    }
  }

  async #parentRun(parent: ParentFile | null, fileOffset: number, lengthBytes: number): Promise<FrameExtent | null> {
    const run = parent === null ? null : await this.#ask(() => parent.runAt(fileOffset, lengthBytes));
    return run !== null && this.#parts.isUsable(run.packId) ? run : null;
  }
}

/** Takes the bytes of one file in order. */
export class OpenFileWriter implements FileWriter {
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

  async write(chunk: Uint8Array): Promise<void> {
    if (this.isEnded) throw new AppError("internal", { message: `${this.#name()} was written to after its end` });
    if (this.#given + chunk.length > this.#sizeBytes) throw this.#wrongSize(this.#given + chunk.length);
    this.#slicer.readBytes += BigInt(chunk.length);
    for (let at = 0; at < chunk.length; ) {
      this.#target ??= this.#nextTarget();
      const taken = Math.min(chunk.length - at, this.#target.length - this.#filled);
      this.#target.set(chunk.subarray(at, at + taken), this.#filled);
      at += taken;
      this.#filled += taken;
      this.#given += taken;
      if (this.#filled === this.#target.length) await this.#complete(this.#target);
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
  #nextTarget(): Uint8Array {
    this.#filled = 0;
    if (this.#sizeBytes <= bundledFileBytes) return this.#slicer.bundleSpace(this.#sizeBytes);
    return this.#slicer.takeBuffer().subarray(0, Math.min(frameBytes, this.#sizeBytes - this.#given));
  }

  async #complete(target: Uint8Array): Promise<void> {
    this.#target = null;
    if (this.#sizeBytes <= bundledFileBytes) await this.#slicer.addToBundle(this.#file, target, this.#parent);
    else await this.#slicer.addFrame(this.#file, target, this.#given - target.length, this.#parent);
  }

  #wrongSize(givenBytes: number): AppError {
    return new AppError("backup-stream-damaged", {
      message: `${this.#name()} was announced with ${this.#sizeBytes} bytes and came with ${givenBytes}`,
      hint: "the backup is not usable and is discarded; earlier backups are untouched",
      context: { path: this.#name(), announced: this.#sizeBytes, given: givenBytes },
    });
  }

  #name(): string {
    return Buffer.from(this.#file.file.path).toString();
  }
}
