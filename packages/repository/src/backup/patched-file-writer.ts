import { AppError } from "@tidemark/kit";
import { copyBytes } from "../bytes/copy-bytes.ts";
import { frameBytes } from "../format.ts";
import type { ParentFile } from "../manifests/parent-file.ts";
import type { PatchedFile } from "../types.ts";
import type { BlockRun, Carrier } from "./carrier.ts";
import { isAllZeros, type PendingFile } from "./entry-queue.ts";
import { type BundledPart, bundleOf, type FileSlicer } from "./file-slicer.ts";
import { nameOf, wrongSize } from "./open-file-writer.ts";

export interface PatchedFileParts {
  readonly slicer: FileSlicer;
  readonly carrier: Carrier;
  readonly file: PendingFile;
  readonly patch: PatchedFile;
  readonly parent: ParentFile;
}

/**
 * Takes the changed blocks of a file and lays them over the parent's. Changed blocks that follow each other make one run,
 * cut where a full stream would cut (multiples of 128 KiB), so that a later stream finds them again; a run that is a whole
 * frame is stored as one, the others share frames.
 */
export class PatchedFileWriter {
  isEnded = false;
  readonly #parts: PatchedFileParts;
  readonly #announced: number;
  /** The next of the changed blocks that belongs to no run yet. */
  #next = 0;
  /** Up to here the new file is put together. */
  #at = 0;
  #run: OpenRun | null = null;
  #window: OpenWindow | null = null;
  #given = 0;

  constructor(parts: PatchedFileParts) {
    this.#parts = parts;
    this.#announced = parts.patch.changedBlocks.length * parts.patch.blockSize;
  }

  write(chunk: Uint8Array): Promise<void> | undefined {
    const { slicer, file } = this.#parts;
    if (this.isEnded) throw new AppError("internal", { message: `${nameOf(file)} was written to after its end` });
    if (this.#given + chunk.length > this.#announced) {
      throw wrongSize(file, this.#announced, this.#given + chunk.length);
    }
    slicer.readBytes += chunk.length;
    const taken = this.#takeAtHand(chunk, 0);
    return taken === chunk.length && !this.#isFull ? undefined : this.#takeAll(chunk, taken);
  }

  /** Takes bytes from `from` on as far as nothing must be waited for; gives where it ended. Most of all blocks come together so. */
  #takeAtHand(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      this.#run ??= this.#beginRunAtHand();
      const run = this.#run;
      if (run === null) break;
      at += this.#fill(run, chunk, at);
      if (this.#isFull && !this.#endRunAtHand(run)) break;
    }
    return at;
  }

  async #takeAll(chunk: Uint8Array, from: number): Promise<void> {
    for (let at = from; ; ) {
      if (this.#run !== null && this.#isFull) await this.#endRun(this.#run);
      if (at >= chunk.length) return;
      this.#run ??= await this.#beginRun();
      at = this.#takeAtHand(chunk, at);
    }
  }

  get #isFull(): boolean {
    return this.#run !== null && this.#run.filled === this.#run.target.length;
  }

  #fill(run: OpenRun, chunk: Uint8Array, at: number): number {
    const taken = Math.min(chunk.length - at, run.target.length - run.filled);
    copyBytes(chunk, run.target, run.filled, at, at + taken);
    run.filled += taken;
    this.#given += taken;
    return taken;
  }

  async end(): Promise<void> {
    if (this.isEnded) return;
    const { slicer, file, patch } = this.#parts;
    if (this.#given !== this.#announced) throw wrongSize(file, this.#announced, this.#given);
    this.isEnded = true;
    await this.#carryTo(Number(patch.sizeBytes));
    file.ended = true;
    slicer.flushQueue();
  }

  /** What lies before the run is carried first, so that runs are numbered in the file's order. */
  async #beginRun(): Promise<OpenRun> {
    if (this.#window !== null) return this.#nextInWindow(this.#window);
    const { slicer, patch } = this.#parts;
    const { blockSize } = patch;
    const run = blockRunAt(patch, this.#next);
    const fileOffset = run.begin;
    const windowStart = Math.floor(fileOffset / frameBytes) * frameBytes;
    if (windowStart >= this.#at) {
      this.#window = await this.#gatherWindow(windowStart);
      if (this.#window !== null) return this.#nextInWindow(this.#window);
    }
    const lengthBytes = run.end - run.begin;
    const blocks = lengthBytes / blockSize;
    this.#next += blocks;
    await this.#carryTo(fileOffset);
    const isFrame = lengthBytes === frameBytes;
    // By the block and not by the run: a run may fall apart into shorter ones where blocks are zeros.
    const target = isFrame ? slicer.takeBuffer() : await slicer.bundleSpace(lengthBytes, bundleOf(blockSize), blocks);
    return { fileOffset, target, isFrame, filled: 0 };
  }

  /** As `#beginRun`, where nothing must be waited for; else null, and nothing was begun. */
  #beginRunAtHand(): OpenRun | null {
    if (this.#window !== null) return this.#nextInWindow(this.#window);
    const { slicer, patch, parent } = this.#parts;
    const run = blockRunAt(patch, this.#next);
    const windowStart = Math.floor(run.begin / frameBytes) * frameBytes;
    if (windowStart >= this.#at && this.#isParents(windowStart)) {
      if (!this.#carryAtHand(windowStart)) return null;
      // More than one extent: it may be worth gathering.
      const { table, index } = parent.isAt(windowStart) ? parent.place : { table: null, index: 0 };
      if (table === null || table.endOf(index) < windowStart + frameBytes) return null;
    }
    if (!this.#carryAtHand(run.begin)) return null;
    const lengthBytes = run.end - run.begin;
    const blocks = lengthBytes / patch.blockSize;
    const isFrame = lengthBytes === frameBytes;
    const target = isFrame
      ? slicer.takeBuffer()
      : slicer.bundleSpaceLeft(lengthBytes, bundleOf(patch.blockSize), blocks);
    if (target === null) return null;
    this.#next += blocks;
    return { fileOffset: run.begin, target, isFrame, filled: 0 };
  }

  /** As `#endRun`, where nothing must be waited for; `false` when it must. */
  #endRunAtHand(run: OpenRun): boolean {
    if (this.#window !== null || run.isFrame) return false;
    const { slicer, file, parent, patch } = this.#parts;
    const { fileOffset, target } = run;
    const bundle = bundleOf(patch.blockSize);
    if (target.length === patch.blockSize) {
      // Most runs, where changes are scattered: there is nothing to take apart.
      const known = slicer.parentRunAtHand(parent, fileOffset, target.length);
      if (known === undefined) return false;
      this.#run = null;
      this.#at = fileOffset + target.length;
      slicer.addToBundle(file, target, { fileOffset, parent: known }, bundle);
      return true;
    }
    const parts: (BundledPart & { readonly bytes: Uint8Array })[] = [];
    for (const { from, to } of stretches(target, patch.blockSize)) {
      const known = slicer.parentRunAtHand(parent, fileOffset + from, to - from);
      if (known === undefined) return false;
      parts.push({ bytes: target.subarray(from, to), fileOffset: fileOffset + from, parent: known });
    }
    this.#run = null;
    this.#at = fileOffset + target.length;
    for (const { bytes, ...part } of parts) slicer.addToBundle(file, bytes, part, bundle);
    return true;
  }

  async #endRun(run: OpenRun): Promise<void> {
    this.#run = null;
    if (this.#window !== null) return this.#endRunInWindow(this.#window);
    const { slicer, file, parent } = this.#parts;
    const { fileOffset, target } = run;
    this.#at = fileOffset + target.length;
    if (run.isFrame) {
      const known = await slicer.parentRun(parent, fileOffset, target.length);
      return slicer.addFrame(file, target, { fileOffset, parent: known });
    }
    const { blockSize } = this.#parts.patch;
    for (const { from, to } of stretches(target, blockSize)) {
      const known = await slicer.parentRun(parent, fileOffset + from, to - from);
      const part = { fileOffset: fileOffset + from, parent: known };
      slicer.addToBundle(file, target.subarray(from, to), part, bundleOf(blockSize));
    }
  }

  /**
   * The window as a whole, where it would consist of too many pieces: the parent's bytes are fetched and what is written is
   * laid over them, so that it becomes one run again.
   */
  async #gatherWindow(start: number): Promise<OpenWindow | null> {
    const { slicer, carrier, parent, patch } = this.#parts;
    if (!this.#isParents(start)) return null;
    const runs = blockRunsUntil(patch, this.#next, start + frameBytes);
    await this.#carryTo(start);
    const buffer = slicer.takeBuffer();
    if (await carrier.gather(parent, start, runs, buffer)) return { start, buffer, runs, done: 0 };
    slicer.giveBuffer(buffer);
    return null;
  }

  /** Whether the parent has all of the window: beyond its end and the limit there are zeros and nothing to gather. */
  #isParents(start: number): boolean {
    const end = start + frameBytes;
    return end <= Number(this.#parts.patch.sizeBytes) && end <= this.#limit();
  }

  #nextInWindow({ start, buffer, runs, done }: OpenWindow): OpenRun {
    const { begin, end } = runs[done] ?? { begin: start, end: start };
    this.#next += (end - begin) / this.#parts.patch.blockSize;
    return { fileOffset: begin, target: buffer.subarray(begin - start, end - start), isFrame: false, filled: 0 };
  }

  async #endRunInWindow(window: OpenWindow): Promise<void> {
    if (++window.done < window.runs.length) return;
    this.#window = null;
    this.#at = window.start + window.buffer.length;
    await this.#parts.slicer.addFrame(this.#parts.file, window.buffer, { fileOffset: window.start, parent: null });
  }

  /** Where the parent's bytes end. */
  #limit(): number {
    const { parent, patch } = this.#parts;
    return Math.min(parent.sizeBytes, patch.zerosFrom === null ? parent.sizeBytes : Number(patch.zerosFrom));
  }

  /** Up to the parent's end and the limit it is the parent's, from there on zeros. */
  async #carryTo(end: number): Promise<void> {
    const { carrier, file, parent } = this.#parts;
    if (this.#carryAtHand(end)) return;
    const carriedEnd = this.#carriedEnd(end);
    await carrier.carry(file, parent, this.#at, carriedEnd);
    this.#at = carriedEnd;
    this.#carryAtHand(end);
  }

  /** The same as far as nothing must be waited for; `false` when that is not all. */
  #carryAtHand(end: number): boolean {
    const { slicer, carrier, file, parent } = this.#parts;
    const carriedEnd = this.#carriedEnd(end);
    if (carriedEnd > this.#at) this.#at = carrier.carryAtHand(file, parent, this.#at, carriedEnd);
    if (this.#at < carriedEnd) return false;
    if (end > carriedEnd) slicer.addZeros(file, end - carriedEnd);
    this.#at = end;
    return true;
  }

  #carriedEnd(end: number): number {
    return Math.max(this.#at, Math.min(end, this.#limit()));
  }
}

interface OpenRun {
  readonly fileOffset: number;
  /** As long as the run. */
  readonly target: Uint8Array;
  /** Whether it is a frame of its own. */
  readonly isFrame: boolean;
  filled: number;
}

/** A stretch of 128 KiB that is put together as a whole. */
interface OpenWindow {
  readonly start: number;
  readonly buffer: Uint8Array;
  readonly runs: readonly BlockRun[];
  /** Runs that are written. */
  done: number;
}

/** The changed blocks that follow each other from this one on, up to where a full stream would cut. */
function blockRunAt({ blockSize, changedBlocks }: PatchedFile, index: number): BlockRun {
  const first = changedBlocks[index] ?? 0;
  const begin = first * blockSize;
  const windowEnd = (Math.floor(begin / frameBytes) + 1) * frameBytes;
  let blocks = 1;
  while (changedBlocks[index + blocks] === first + blocks && (first + blocks) * blockSize < windowEnd) blocks++;
  return { begin, end: begin + blocks * blockSize };
}

function blockRunsUntil(patch: PatchedFile, index: number, end: number): BlockRun[] {
  const runs: BlockRun[] = [];
  for (let at = index; at < patch.changedBlocks.length; ) {
    const run = blockRunAt(patch, at);
    if (run.begin >= end) break;
    runs.push(run);
    at += (run.end - run.begin) / patch.blockSize;
  }
  return runs;
}

/** Blocks of zeros and others, apart: zeros take no room. */
function* stretches(bytes: Uint8Array, blockSize: number): Generator<{ readonly from: number; readonly to: number }> {
  for (let from = 0; from < bytes.length; ) {
    const isZeros = isAllZeros(bytes.subarray(from, from + blockSize));
    let to = from + blockSize;
    while (to < bytes.length && isAllZeros(bytes.subarray(to, to + blockSize)) === isZeros) to += blockSize;
    yield { from, to };
    from = to;
  }
}
