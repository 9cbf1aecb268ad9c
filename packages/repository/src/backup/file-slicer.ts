import { bundleParts, frameBytes, pieceBytes } from "../format.ts";
import type { CarriedRuns } from "../manifests/extent-table.ts";
import { isLostManifest } from "../manifests/manifest-object.ts";
import type { FrameExtent, ParentFile } from "../manifests/parent-file.ts";
import type { ParentIndex } from "../manifests/parent-index.ts";
import type { RunPlace } from "../manifests/run-table.ts";
import type { Extent, ReadableFile } from "../types.ts";
import { type EntryQueue, isAllZeros, type PendingFile } from "./entry-queue.ts";
import type { DispatchedPart, FrameDispatcher } from "./frame-dispatcher.ts";

export interface SlicerParts {
  readonly dispatcher: FrameDispatcher;
  readonly queue: EntryQueue;
  readonly parent: ParentIndex | null;
  /** Whether a pack's frames may be referenced. */
  readonly isUsable: (packId: string) => boolean;
}

/** A part for a bundle: some bytes of one file, at `bundleSpace`. */
export interface BundledPart {
  readonly fileOffset: number;
  readonly parent: FrameExtent | null;
  readonly isCopied?: boolean;
}

/**
 * Cuts files into frames: large ones at multiples of the frame size, small ones together into bundles. There are two
 * bundles, so that the parts of one begin at multiples of 8192: files of whole pages, and all others.
 */
export class FileSlicer {
  readBytes = 0;
  zeroBytes = 0;
  /** Why the parent is not asked any more. */
  parentLoss: Error | null = null;
  readonly #parts: SlicerParts;
  readonly #bundles: { pages: Bundle | null; others: Bundle | null } = { pages: null, others: null };

  constructor(parts: SlicerParts) {
    this.#parts = parts;
  }

  /** The parent's file of this path, or null: there is none, or there is no parent (any more). */
  parentFile(path: Uint8Array): Promise<ParentFile | null> {
    return this.#ask((index) => index.file(path));
  }

  /**
   * Where the next bytes of a small file or run go: behind the others in the bundle. They become up to `parts` parts, and
   * nothing else may be added before them.
   */
  async bundleSpace(lengthBytes: number, which = bundleOf(lengthBytes), parts = 1): Promise<Uint8Array> {
    for (;;) {
      const space = this.bundleSpaceLeft(lengthBytes, which, parts);
      if (space !== null) return space;
      await this.#flush(which);
    }
  }

  /** The same, or null when the bundle must go first. */
  bundleSpaceLeft(lengthBytes: number, which: BundleName, parts: number): Uint8Array | null {
    const full = this.#bundles[which];
    if (full !== null && (full.used + lengthBytes > frameBytes || full.parts.length + parts > bundleParts)) return null;
    const bundle = full ?? { buffer: this.takeBuffer(), used: 0, parts: [] };
    this.#bundles[which] = bundle;
    return bundle.buffer.subarray(bundle.used, bundle.used + lengthBytes);
  }

  /** Keeps the bytes just written to `bundleSpace`, or some of them; zeros take no room. */
  addToBundle(file: PendingFile, bytes: Uint8Array, part: BundledPart, which = bundleOf(bytes.length)): void {
    const bundle = this.#bundles[which];
    if (bundle === null || isAllZeros(bytes)) {
      this.addZeros(file, bytes.length);
      return;
    }
    // Zeros before them were left out: they move up.
    if (bytes.byteOffset !== bundle.buffer.byteOffset + bundle.used) bundle.buffer.set(bytes, bundle.used);
    bundle.parts.push({ file, run: file.beginRun(), lengthBytes: bytes.length, ...part });
    bundle.used += bytes.length;
  }

  /** A frame of its own; `bytes` begins at the beginning of a buffer from `takeBuffer`, which is given away. */
  addFrame(file: PendingFile, bytes: Uint8Array, part: BundledPart): Promise<void> | undefined {
    if (isAllZeros(bytes)) {
      this.#parts.dispatcher.giveBuffer(bytes);
      this.addZeros(file, bytes.length);
      return undefined;
    }
    const { fileOffset, parent, isCopied = false } = part;
    const run = file.beginRun();
    return this.#parts.dispatcher.dispatch(bytes, [
      { file, run, fileOffset, lengthBytes: bytes.length, parent, isCopied },
    ]);
  }

  get readsFiles(): boolean {
    return this.#parts.dispatcher.readsFiles;
  }

  /** A frame of its own that the encoder reads out of the file. */
  readFrame(
    file: PendingFile,
    from: ReadableFile,
    lengthBytes: number,
    { fileOffset, parent }: BundledPart,
  ): Promise<void> | undefined {
    return this.#parts.dispatcher.dispatchRead({ file, run: file.beginRun(), fileOffset, lengthBytes, parent, from });
  }

  addZeros(file: PendingFile, lengthBytes: number): void {
    this.zeroBytes += lengthBytes;
    file.finishZeros(file.beginRun(), lengthBytes);
  }

  /** A run whose place and checksum are known already. */
  addRun(file: PendingFile, place: RunPlace, sum: { readonly lengthBytes: number; readonly crc32c: number }): void {
    file.finishRun(file.beginRun(), place, sum, nothingKnown);
  }

  /** Many of the parent's at once, as they are. */
  addCarried(file: PendingFile, runs: CarriedRuns): void {
    file.addCarried(runs);
  }

  takeBuffer(): Uint8Array {
    return this.#parts.dispatcher.takeBuffer();
  }

  giveBuffer(buffer: Uint8Array): void {
    this.#parts.dispatcher.giveBuffer(buffer);
  }

  flushQueue(): void {
    this.#parts.queue.flush();
  }

  /**
   * Keeps what waits bounded where runs are added without bytes: a file may have 131 072 of them while a page of a file
   * before it waits for its bundle to fill.
   */
  async makeRoomForRuns(): Promise<void> {
    await this.hasten();
    if (this.#parts.queue.waitingRuns < waitingRuns) return;
    this.#parts.queue.flush();
    if (this.#parts.queue.waitingRuns < waitingRuns) return;
    await this.flushBundles();
    await this.#parts.dispatcher.drain();
    this.#parts.queue.flush();
  }

  /**
   * Sends what small files have gathered, where much waits for it: entries are written in their order, and a few bytes of a
   * folder's PG_VERSION hold back all that comes behind them until as much as a frame has come of their kind, which in an increment is
   * its end. What waits is gone over by each collection of garbage (7 of them, a fifth of an increment of 10 %, measured 2026-11).
   */
  async hasten(): Promise<void> {
    const { queue } = this.#parts;
    if (queue.length < hastyEntries && queue.waitingRuns < hastyRuns) return;
    if (this.#bundles.others !== null) await this.#flush("others");
  }

  /** Sends what small files and runs have gathered. */
  async flushBundles(): Promise<void> {
    await this.#flush("pages");
    await this.#flush("others");
  }

  async #flush(which: BundleName): Promise<void> {
    const bundle = this.#bundles[which];
    this.#bundles[which] = null;
    if (bundle === null) return;
    if (bundle.parts.length === 0) return this.#parts.dispatcher.giveBuffer(bundle.buffer);
    await this.#parts.dispatcher.dispatch(bundle.buffer.subarray(0, bundle.used), bundle.parts);
  }

  /** The parent's extent that holds this byte of a file, or null: beyond its end, or there is no parent any more. */
  parentExtent(parent: ParentFile, fileOffset: number): Promise<Extent | null> {
    return this.#ask(() => parent.extentAt(fileOffset));
  }

  /** The parent's run of the same bytes, when it may be referenced: its fingerprint tells whether they changed. */
  async parentRun(parent: ParentFile | null, fileOffset: number, lengthBytes: number): Promise<FrameExtent | null> {
    const run = parent === null ? null : await this.#ask(() => parent.runAt(fileOffset, lengthBytes));
    return run !== null && this.#parts.isUsable(run.packId) ? run : null;
  }

  /** The same where nothing must be read for it; undefined otherwise. */
  parentRunAtHand(parent: ParentFile, fileOffset: number, lengthBytes: number): FrameExtent | null | undefined {
    if (this.parentLoss !== null) return null;
    const run = parent.runAtHand(fileOffset, lengthBytes);
    if (run === undefined || run === null) return run;
    return this.#parts.isUsable(run.packId) ? run : null;
  }

  /** A parent that was deleted meanwhile, or is damaged, costs space and not the backup. */
  async #ask<T>(question: (index: ParentIndex) => Promise<T | null>): Promise<T | null> {
    if (this.#parts.parent === null || this.parentLoss !== null) return null;
    try {
      return await question(this.#parts.parent);
    } catch (error) {
      if (!isLostManifest(error)) throw error;
      this.parentLoss = error;
      return null;
    }
  }
}

/** Some 16 MiB of runs. */
const waitingRuns = 65_536;

/** Some 1 MiB of them. A frame of small files for so many is none too many. */
const hastyEntries = 512;
const hastyRuns = 2048;

const nothingKnown = { fingerprint: null, findings: [] } as const;

interface Bundle {
  readonly buffer: Uint8Array;
  used: number;
  readonly parts: DispatchedPart[];
}

type BundleName = "pages" | "others";

/** The bundle for parts whose lengths are multiples of this. */
export function bundleOf(lengthBytes: number): BundleName {
  return lengthBytes % pieceBytes === 0 ? "pages" : "others";
}
