import { AppError } from "@tidemark/kit";
import { frameBytes } from "../format.ts";
import type { ParentFile } from "../manifests/parent-file.ts";
import type { PatchedFile } from "../types.ts";
import type { BlockRun, Carrier } from "./carrier.ts";
import { isAllZeros, type PendingFile } from "./entry-queue.ts";
import { bundleOf, type FileSlicer } from "./file-slicer.ts";
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

  async write(chunk: Uint8Array): Promise<void> {
    const { slicer, file } = this.#parts;
    if (this.isEnded) throw new AppError("internal", { message: `${nameOf(file)} was written to after its end` });
    if (this.#given + chunk.length > this.#announced) {
      throw wrongSize(file, this.#announced, this.#given + chunk.length);
    }
    slicer.readBytes += chunk.length;
    for (let at = 0; at < chunk.length; ) {
      this.#run ??= await this.#beginRun();
      const run = this.#run;
      const taken = Math.min(chunk.length - at, run.target.length - run.filled);
      run.target.set(chunk.subarray(at, at + taken), run.filled);
      at += taken;
      run.filled += taken;
      this.#given += taken;
      if (run.filled === run.target.length) await this.#endRun(run);
    }
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
    const length = Math.min(frameBytes, Number(patch.sizeBytes) - start);
    const limit = this.#limit();
    const runs = blockRunsUntil(patch, this.#next, start + frameBytes);
    // Only where all of it is the parent's: beyond its end and the limit there are zeros and nothing to gather.
    if (length < frameBytes || limit < start + length) return null;
    await this.#carryTo(start);
    const buffer = slicer.takeBuffer();
    if (await carrier.gather(parent, start, runs, buffer)) return { start, buffer, runs, done: 0 };
    slicer.giveBuffer(buffer);
    return null;
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
    const { slicer, carrier, file, parent } = this.#parts;
    const carriedEnd = Math.max(this.#at, Math.min(end, this.#limit()));
    if (carriedEnd > this.#at) await carrier.carry(file, parent, this.#at, carriedEnd);
    if (end > carriedEnd) slicer.addZeros(file, carriedEnd, end - carriedEnd);
    this.#at = end;
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
