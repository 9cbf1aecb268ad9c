import { AppError } from "@tidemark/kit";
import { frameBytes } from "../format.ts";
import type { ExtentTable } from "../manifests/extent-table.ts";
import type { FrameExtent, ParentFile } from "../manifests/parent-file.ts";
import type { RunPlace } from "../manifests/run-table.ts";
import type { PieceReader } from "../packs/piece-reader.ts";
import type { PendingFile } from "./entry-queue.ts";
import type { FileSlicer } from "./file-slicer.ts";
import { nameOf } from "./open-file-writer.ts";

export interface CarrierParts {
  readonly slicer: FileSlicer;
  readonly pieces: PieceReader;
  /** Throws `pack-missing` or `pack-damaged` for a pack that nothing may be carried from. */
  readonly assertCarriable: (packId: string) => void;
  /** Whether the pack shall become empty: what it holds is copied instead of referenced. */
  readonly isEvacuated: (packId: string) => boolean;
}

/** Brings what the parent has of a file into the new one, without its bytes where that is possible. */
export class Carrier {
  /** Plain bytes that were referenced without being read. */
  carriedBytes = 0;
  readonly #parts: CarrierParts;
  #added = 0;

  constructor(parts: CarrierParts) {
    this.#parts = parts;
  }

  /** The parent's bytes from `from` to `to`, which it must have. To be called in ascending order. */
  async carry(file: PendingFile, parent: ParentFile, from: number, to: number): Promise<void> {
    for (let at = from; ; ) {
      const done = this.carryAtHand(file, parent, at, to);
      if (this.#added >= runsBetweenLooks) {
        this.#added = 0;
        await this.#parts.slicer.makeRoomForRuns();
      } else if (done === at && at < to) {
        if (parent.isAt(at)) at = await this.#carryRun(file, parent, at, to);
        else if (!(await parent.reach(at))) throw endsEarly(file);
        continue;
      }
      if (done >= to) return;
      at = done;
    }
  }

  /** The same as far as nothing must be waited for; gives where it ended. */
  carryAtHand(file: PendingFile, parent: ParentFile, from: number, to: number): number {
    let at = from;
    while (at < to && this.#added < runsBetweenLooks && parent.isAt(at)) {
      const { table, index } = parent.place;
      const whole = this.#countWhole(table, index, at, to);
      const end = whole > 0 ? table.endOf(index + whole - 1) : Math.min(to, table.endOf(index));
      if (whole > 0) this.#carryWhole(file, table, index, index + whole);
      else if (table.isZeros(index)) this.#parts.slicer.addZeros(file, end - at);
      else if (!this.#carryPart(file, table, index, at, end)) return at;
      at = end;
      this.#added += Math.max(whole, 1);
    }
    return at;
  }

  /** How many runs from this extent on lie within the stretch as a whole and can stay where they are. */
  #countWhole(table: ExtentTable, first: number, from: number, to: number): number {
    if (table.beginOf(first) !== from) return 0;
    let index = first;
    let sound = "";
    for (; index < table.count && table.endOf(index) <= to && !table.isZeros(index); index++) {
      const packId = table.packIdOf(index);
      // Those that follow each other mostly lie in one pack.
      if (packId === sound) continue;
      this.#parts.assertCarriable(packId);
      if (this.#parts.isEvacuated(packId)) break;
      sound = packId;
    }
    return index - first;
  }

  /** Whole, they keep their fingerprints: a later stream of this place can still be found unchanged. */
  #carryWhole(file: PendingFile, table: ExtentTable, from: number, to: number): void {
    this.carriedBytes += table.endOf(to - 1) - table.beginOf(from);
    this.#parts.slicer.addCarried(file, { table, from, to });
  }

  /**
   * Puts the parent's bytes of this stretch into `target` instead of referring to them, where they would fall into too many
   * pieces: `false` when they do not, or when enough was fetched. The parent must have all of it. As `carry` to be called
   * in ascending order.
   *
   * What is whole in the parent stays where it is, however much of it changes: a restore opens its frame and the one of what
   * changed. To fetch it would take an increment of 10 % after a full more time and more room (1.0 of 2.7 s of CPU and 10 of
   * 31 MiB, measured 2026-11) than all it is for; the next change of the stretch finds it in pieces and mends it.
   */
  async gather(parent: ParentFile, from: number, changed: readonly BlockRun[], target: Uint8Array): Promise<boolean> {
    const to = from + target.length;
    const extents = await parent.ahead(from, to);
    const runs = extents.filter((extent): extent is FrameExtent => extent.kind === "frame");
    if (runs.length < 2) return false;
    // A changed run cuts at most one run in two.
    if (runs.length + 2 * changed.length <= windowPieces) return false;
    const pieces = runs.flatMap((extent) =>
      unchangedPieces(extent, from, to, changed).map((piece) => ({ ...piece, extent })),
    );
    if (pieces.length + changed.length <= windowPieces) return false;
    if (this.#parts.pieces.openedBytes > this.#parts.slicer.readBytes + gatherAllowance) return false;
    target.fill(0);
    for (const { extent, begin, end } of pieces) {
      this.#parts.assertCarriable(extent.packId);
      const offsetInFrame = extent.offsetInFrame + begin - Number(extent.fileOffset);
      const bytes = await this.#parts.pieces.bytesOf(extent.packId, extent.frameIndex, offsetInFrame, end - begin);
      target.set(bytes, begin - from);
    }
    return true;
  }

  /** A part of a run, where all is at hand that must be known of it; `false` when it is not. */
  #carryPart(file: PendingFile, table: ExtentTable, index: number, from: number, to: number): boolean {
    const packId = table.packIdOf(index);
    this.#parts.assertCarriable(packId);
    if (this.#parts.isEvacuated(packId)) return false;
    const frameIndex = table.frameIndexOf(index);
    const offsetInFrame = table.offsetInFrameOf(index) + from - table.beginOf(index);
    const crc32c = this.#parts.pieces.crcAtHand(packId, frameIndex, offsetInFrame, to - from);
    if (crc32c === undefined) return false;
    this.#addPart(file, { packId, frameIndex, offsetInFrame }, { lengthBytes: to - from, crc32c });
    return true;
  }

  /** Of the run at `from`; gives where it, or what is wanted of it, ends. */
  async #carryRun(file: PendingFile, parent: ParentFile, from: number, limit: number): Promise<number> {
    const { table, index } = parent.place;
    const extent = table.extent(index) as FrameExtent;
    const { packId, frameIndex } = extent;
    const to = Math.min(limit, table.endOf(index));
    this.#parts.assertCarriable(packId);
    this.#added++;
    const skipped = from - table.beginOf(index);
    if (this.#parts.isEvacuated(packId)) {
      await this.#copy(file, extent, skipped, to - from);
      return to;
    }
    const offsetInFrame = extent.offsetInFrame + skipped;
    const crc32c = await this.#parts.pieces.crcOf(packId, frameIndex, offsetInFrame, to - from);
    this.#addPart(file, { packId, frameIndex, offsetInFrame }, { lengthBytes: to - from, crc32c });
    return to;
  }

  #addPart(file: PendingFile, place: RunPlace, sum: { readonly lengthBytes: number; readonly crc32c: number }): void {
    this.carriedBytes += sum.lengthBytes;
    this.#parts.slicer.addRun(file, place, sum);
  }

  /** Stores anew what lies in a pack that shall become empty. The frame was checked when it was opened. */
  async #copy(file: PendingFile, extent: FrameExtent, skipped: number, lengthBytes: number): Promise<void> {
    const { slicer, pieces } = this.#parts;
    const { packId, frameIndex, offsetInFrame } = extent;
    const bytes = await pieces.bytesOf(packId, frameIndex, offsetInFrame + skipped, lengthBytes);
    const part = { fileOffset: Number(extent.fileOffset) + skipped, parent: null, isCopied: true };
    if (lengthBytes === frameBytes) {
      const buffer = slicer.takeBuffer();
      buffer.set(bytes);
      return slicer.addFrame(file, buffer, part);
    }
    const space = await slicer.bundleSpace(lengthBytes);
    space.set(bytes);
    slicer.addToBundle(file, space, part);
  }
}

/** Changed blocks that follow each other, as bytes of the file. */
export interface BlockRun {
  readonly begin: number;
  readonly end: number;
}

/**
 * Most pieces that a stretch of 128 KiB (16 pages) may be put together from. A restore reads each frame once and writes
 * each piece for itself, so what counts is the mean length of a run: eight pieces make it 16 KiB at least, which is where
 * writing runs one by one still costs less than opening their frames (0.3 ms a frame, 10 µs a write). A window reaches
 * eight pieces after some four scattered changes, so of a table that changes everywhere a quarter of the windows is stored
 * anew with each backup at most, and none of one that changes here and there.
 */
export const windowPieces = 8;

/** So much is fetched for gathering, and beyond it as much as the server sent: it never becomes what takes the time. */
const gatherAllowance = 16 * 1024 * 1024;

/** What of an extent lies within the stretch and is not replaced. */
function unchangedPieces(extent: FrameExtent, from: number, to: number, changed: readonly BlockRun[]): BlockRun[] {
  const pieces: BlockRun[] = [];
  let at = Math.max(from, Number(extent.fileOffset));
  const end = Math.min(to, Number(extent.fileOffset) + extent.lengthBytes);
  for (const run of changed) {
    if (run.end <= at) continue;
    if (run.begin >= end) break;
    if (run.begin > at) pieces.push({ begin: at, end: run.begin });
    at = run.end;
  }
  if (at < end) pieces.push({ begin: at, end });
  return pieces;
}

/** How often it is looked whether too many runs wait. */
const runsBetweenLooks = 1024;

function endsEarly(file: PendingFile): AppError {
  return new AppError("manifest-damaged", {
    message: `the parent's manifest does not have all of ${nameOf(file)}`,
    hint: "take a backup of everything; it does not need the parent",
  });
}

/** What `CarrierParts.assertCarriable` throws for a pack that is not there, or was found damaged before. */
export function notCarriable(packId: string, code: "pack-missing" | "pack-damaged"): AppError {
  return new AppError(code, {
    message: `pack ${packId} is ${code === "pack-missing" ? "missing" : "damaged"} and holds what was to be carried over`,
    hint: "ask the server for the whole file, or take a backup of everything",
    context: { packId },
  });
}
